"""Every verdict has one look and one meaning, whatever shows it; nothing but colour never tells two of them apart."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.report_pages import Opened, written

import sweeps
from sweeps.results.sweep import Sweep
from sweeps.verdicts.marks import MARKS, RUNNING, kind_of, mark_of
from sweeps.verdicts.verdict import STABLE, UNSTABLE, Verdict
from sweeps.views.report.page_data import build
from sweeps.views.report.publishing import mapped


@pytest.fixture(scope="module")
def built(pairs_sweep: Sweep) -> dict[str, Any]:
    return build(pairs_sweep, mapped(pairs_sweep))


def test_every_verdict_has_a_mark_and_no_two_have_the_same_outline() -> None:
    assert set(MARKS) == set(Verdict)
    assert len({(mark.shape, mark.fill) for mark in MARKS.values()}) == len(MARKS)
    assert len({mark.meaning for mark in MARKS.values()}) == len(MARKS)
    colours = [colour for mark in MARKS.values() for colour in (mark.colour, mark.dark_colour)]
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)


def test_the_kind_of_a_verdict_is_its_side_of_the_border() -> None:
    assert {word for word in Verdict if kind_of(word) == "stable"} == STABLE
    assert {word for word in Verdict if kind_of(word) == "unstable"} == UNSTABLE
    assert {word for word in Verdict if kind_of(word) == "neither"} == {
        Verdict.PRUNED,
        Verdict.FAILED,
        Verdict.UNDERFITTED,
    }
    assert {kind_of(word) for word in ("", RUNNING, "of another version")} == {"neither"}


def test_a_word_that_is_no_verdict_has_a_mark_too() -> None:
    assert mark_of("diverged") == MARKS[Verdict.DIVERGED]
    assert mark_of(RUNNING).meaning == "Not finished when this page was made."
    assert mark_of("of another version").meaning == "Not a verdict that this version knows."


def test_the_page_is_given_the_marks_in_their_order(built: dict[str, Any]) -> None:
    for given, (verdict, mark) in zip(built["verdicts"], MARKS.items(), strict=True):
        assert (given["word"], given["kind"], given["meaning"]) == (verdict, kind_of(verdict), mark.meaning)
        assert (given["colour"], given["dark_colour"]) == (mark.colour, mark.dark_colour)
        assert (given["shape"], given["fill"]) == (mark.shape, mark.fill)


def test_no_colour_or_meaning_of_a_verdict_stands_in_the_product_a_second_time() -> None:
    """Curves and text may have the colour of a verdict, by a name of their own: that is no look of a verdict."""
    folder = Path(sweeps.__file__).parent
    files = [file for end in ("*.py", "*.js", "*.css", "*.html") for file in folder.rglob(end)]
    others = {file: file.read_text(encoding="utf-8") for file in files if file.name != "marks.py"}
    for verdict, mark in MARKS.items():
        assert [file for file, text in others.items() if mark.meaning in text] == [], verdict
        look = re.compile(rf"\b{verdict}\b[^\n]{{0,12}}(#[0-9a-f]{{6}}|{mark.shape}\b)", re.IGNORECASE)
        assert [file for file, text in others.items() if look.search(text)] == [], verdict


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_draws_each_verdict_in_its_colour_and_shape(
    browser: Any, built: dict[str, Any], tmp_path: Path, scheme: str
) -> None:
    unfinished = {"word": RUNNING, "kind": "neither", "count": 1} | vars(mark_of(RUNNING))
    data = built | {"verdicts": [*built["verdicts"], unfinished]}
    window = Opened(browser, written(tmp_path, data), scheme=scheme)
    drawn = window.page.evaluate(
        "[...document.querySelectorAll('#legend [data-word]')].map(button => {"
        "const mark = button.querySelector('.mark'), style = getComputedStyle(mark);"
        "return [button.dataset.word, style.fill, style.stroke,"
        "mark.classList[2], mark.getAttribute('d').match(/[a-zA-Z]/g).join('')]; })"
    )
    ground = "rgb(255, 255, 255)" if scheme == "light" else "rgb(26, 29, 33)"
    outlines = {"circle": "Maaz", "square": "Mhvhz", "diamond": "MLLLz", "up": "MLHz", "down": "MLHz"}
    outlines |= {"cross": "MLML", "plus": "MHMV", "bar": "MH"}
    assert [word for word, *_ in drawn] == [*MARKS, RUNNING]
    for word, fill, stroke, kind, outline in drawn:
        mark = mark_of(word)
        hexed = mark.colour if scheme == "light" else mark.dark_colour
        colour = f"rgb({', '.join(str(int(hexed[i : i + 2], 16)) for i in (1, 3, 5))})"
        looks = {"filled": (colour, ground), "hollow": (ground, colour), "stroke": ("none", colour)}
        assert (fill, stroke) == looks[mark.fill], word
        assert (kind, outline) == (mark.fill, outlines[mark.shape]), word
    assert window.complaints == []
    window.page.close()
