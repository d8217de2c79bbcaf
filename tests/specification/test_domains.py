"""Ranges and choices give what they promise; settings survive being written as text."""

import itertools
import math
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sweeps.specification.domains import Choices, Range, Setting, decode, encode

finite = st.floats(allow_nan=False, allow_infinity=False)
fractions = st.floats(0, 1, exclude_max=True)


@st.composite
def ranges(draw: st.DrawFn) -> Range:
    integer, log = draw(st.booleans()), draw(st.booleans())
    number = st.integers(0, 2**40) if integer else st.floats(0, 1e308)
    low, high = sorted((draw(number), draw(number)))
    assume(low < high and not (log and low <= 0))
    return Range(low, high, log, integer)


@given(domain=ranges(), fraction=fractions)
def test_a_range_gives_values_between_its_ends(domain: Range, fraction: float) -> None:
    value = domain.at(fraction)
    assert domain.low <= value <= domain.high
    assert type(value) is (int if domain.integer else float)


@given(domain=ranges(), one=fractions, other=fractions)
def test_a_larger_fraction_never_gives_a_smaller_value(domain: Range, one: float, other: float) -> None:
    assume(one <= other)
    tolerance = 0 if domain.integer else 1e-12 * domain.high  # exp and log round
    assert domain.at(one) <= domain.at(other) + tolerance


@given(low=st.integers(-20, 20), size=st.integers(2, 12))
def test_a_range_of_integers_gives_each_equally_often(low: int, size: int) -> None:
    domain = Range(low, low + size - 1, integer=True)
    n = 1000 * size
    counts = Counter(domain.at((i + 0.5) / n) for i in range(n))
    assert sorted(counts) == list(range(low, low + size))
    assert all(abs(count - 1000) <= 1 for count in counts.values())


@given(low=st.floats(1e-6, 1e3), decades=st.floats(0.1, 6), fraction=fractions)
def test_a_log_range_is_even_in_the_exponent(low: float, decades: float, fraction: float) -> None:
    domain = Range(low, low * 10**decades, log=True)
    assert math.log10(domain.at(fraction) / low) == pytest.approx(fraction * decades, abs=1e-9)


def test_a_log_range_of_integers_gives_each_its_share_of_the_exponent() -> None:
    domain, n = Range(1, 8, log=True, integer=True), 100_000
    counts = Counter(domain.at((i + 0.5) / n) for i in range(n))
    assert sorted(counts) == [1, 2, 3, 4, 5, 6, 7, 8]
    for value, count in counts.items():
        assert count / n == pytest.approx(math.log((value + 0.5) / (value - 0.5)) / math.log(8.5 / 0.5), abs=1e-3)


@given(low=finite, high=finite, fraction=fractions)
def test_an_even_range_goes_from_low_to_high(low: float, high: float, fraction: float) -> None:
    assume(-1e300 < low < high < 1e300)
    assert Range(low, high).at(fraction) == pytest.approx(low + fraction * (high - low), rel=1e-12)
    assert Range(low, high).at(0.0) == low


@given(size=st.integers(1, 20))
def test_choices_are_given_equally_often_in_their_order(size: int) -> None:
    domain = Choices(tuple(f"{i:02}" for i in range(size)))
    given_values = [domain.at((i + 0.5) / (100 * size)) for i in range(100 * size)]
    groups = [(value, len(list(group))) for value, group in itertools.groupby(given_values)]
    assert groups == [(value, 100) for value in domain.values]
    assert domain.at(math.nextafter(1, 0)) == domain.values[-1]


@pytest.mark.parametrize(
    ("low", "high", "log", "reason"),
    [
        (2.0, 1.0, False, "low must be below high, got 2.0 and 1.0"),
        (1.0, 1.0, False, "low must be below high, got 1.0 and 1.0"),
        (math.nan, 1.0, False, "finite, got nan and 1.0"),
        (0.0, math.inf, False, "finite, got 0.0 and inf"),
        (0.0, 1.0, True, "log range must be positive, got 0.0"),
        (-1.0, 1.0, True, "log range must be positive, got -1.0"),
    ],
)
def test_a_range_refuses_ends_that_make_none(low: float, high: float, log: bool, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Range(low, high, log)


@pytest.mark.parametrize(
    ("values", "reason"),
    [((), "empty"), ((1, 2, 1), "got 1 twice"), (((3,), (3,)), r"got \[3\] twice"), (("a", "a"), "got a twice")],
)
def test_choices_refuse_none_at_all_and_one_twice(values: tuple[Setting, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Choices(values)


def test_many_choices_are_checked_in_a_moment() -> None:
    assert len(Choices(tuple(range(1_000_000))).values) == 1_000_000


@given(value=finite | st.integers() | st.lists(st.integers()).map(tuple))
def test_numbers_and_lists_survive_being_written_to_the_last_bit(value: Setting) -> None:
    back = decode(encode(value))
    assert type(back) is type(value)
    assert repr(back) == repr(value)  # which tells -0.0 from 0.0, and floats by their bits


@pytest.mark.parametrize("word", ["sigmoid", "cross_entropy", "float32", "npz:data/a b.npz", "idx:/data", "mnist"])
def test_words_survive_being_written(word: str) -> None:
    assert encode(word) == word
    assert decode(word) == word
