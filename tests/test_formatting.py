"""Numbers in sentences are rounded to what is meant, and never written as computers do."""

import pytest

from sweeps.formatting import number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (162.7698, "162.8"),
        (50_000, "50,000"),
        (23820.0, "23,820"),
        (5969.3, "5,969"),
        (54764.4, "54,760"),
        (0.5, "0.5"),
    ],
)
def test_numbers_are_said_with_four_digits(value: float, text: str) -> None:
    assert number(value) == text
