"""What a person or a spec calls something is shown in MLflow's Markdown letter for letter, and does nothing there."""

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sweeps.formatting import printable
from sweeps.tracking.mlflow_pages.descriptions import describe_trial
from sweeps.tracking.mlflow_pages.markdown import as_text
from sweeps.verdicts.verdict import Assessment, Verdict

RENDERED = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ODD = st.text(st.sampled_from("\\`*_[]<>|&~#$@:!(){}.-+=/\"'\n\r\t\x1b\u202e ahtpw:3;é")) | st.text()
EVIL = [
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](http://there/x.png)",
    "a|b\n\n# heading",
    "`code`",
    "<http://there>",
    "&lt;b&gt;",
    "http://there www.there.org me@there.org",
    "\\[x](y)",
    "|\n| --- |\n| x |",
]


def shown(text: str) -> str:
    """On one line, control characters written out."""
    return " ".join(printable(text).split())


def only_text(markdown: str) -> list[str]:
    """What each line of text or cell shows; fails where it is anything but text."""
    lines = []
    for token in RENDERED.parse(markdown):
        assert token.type in ("paragraph_open", "paragraph_close", "inline") or token.type.startswith(
            ("table_", "thead_", "tbody_", "tr_", "th_", "td_")
        )
        if token.type == "inline":
            parts = token.children or []
            assert {part.type for part in parts} <= {"text", "text_special"}
            lines.append("".join(part.content for part in parts))
    return lines


@given(ODD)
@example(EVIL[0])
@example(EVIL[3])
@example(EVIL[8])
def test_text_in_a_line_is_shown_as_it_is(text: str) -> None:
    assert only_text(f"said: {as_text(text)}.") == [f"said: {shown(text)}."]


@given(ODD, ODD)
@example(EVIL[9], EVIL[1])
def test_text_in_a_cell_is_shown_as_it_is_and_makes_no_other_cell(one: str, other: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {as_text(one)} | x {as_text(other)} |"
    assert only_text(table) == ["a", "b", shown(one).strip(), f"x {shown(other)}".strip()]


def test_no_address_becomes_a_link_where_a_renderer_looks_for_them() -> None:
    told = as_text(" ".join(EVIL))
    assert "http://" not in told
    assert "www." not in told
    assert "me@" not in told


@given(ODD)
def test_a_trials_description_is_its_sentence(text: str) -> None:
    told = describe_trial(Assessment(Verdict.FAILED, text, "state = failed", 0))
    inline = [token for token in RENDERED.parse(told) if token.type == "inline"]
    assert len(inline) == 2
    assert "".join(part.content for part in inline[0].children or []) == f"Failed. {shown(text)}".strip()
