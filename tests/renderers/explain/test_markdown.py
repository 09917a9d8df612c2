"""explain as Markdown: what a reader sees after parsing is what was meant, whatever the tokens are."""

from __future__ import annotations

import itertools

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from attnviz import Layer, Trace
from attnviz.renderers.explain.document import Heading, Section
from attnviz.renderers.explain.markdown import to_markdown
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.matrix import Matrix

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "`", "``a``", "|", "a|b", "\\", "\\|", "a\\", "*", "**b**", "_i_", "__b__", "~~s~~", "<b>", "<script>", "<!--", "-->",
    "&amp;", "&lt;", "&#65;", "[a](b)", "![a](b)", "[^1]", "[x]: y", "# h", "#", "##", "- a", "+ a", "1. a", "1)", "> q",
    "---", "===", "***", "| - |", ":---:", "$x_1$", "$$", "http://a.b", "<http://a.b>", "a@b.c", ":smile:", "@user", "\n",
    "\t", "    x", "{{x}}", "{% x %}", "==m==", "^s^", "!", "(", "\\`", "`|`", "é", "日本", "\u202ex",
]  # fmt: skip
TOKENS = st.sampled_from(HOSTILE) | st.text(max_size=8) | st.text("`|\\*_<>[]#~&$!-+.:{}^ ", max_size=10)


def trace_of(tokens):
    array = numpy.linspace(-1, 1, 2 * len(tokens)).reshape(len(tokens), 2)
    return Trace(tuple(tokens), (Layer(array, array, array),))


def plain(inline):
    """The text that a reader sees of an inline token, code between backticks; None where anything else is in it."""
    if any(child.type not in ("text", "text_special", "softbreak", "code_inline") for child in inline.children):
        return None
    return "".join(
        {"softbreak": "\n", "code_inline": f"`{child.content}`"}.get(child.type, child.content)
        for child in inline.children
    )


def code(text):
    """What stands in code spans of ``text``, as it is read."""
    inline = [token for token in PARSER.parse(text) if token.type == "inline"]
    return [child.content for token in inline for child in token.children if child.type == "code_inline"]


def blocks(text):
    """(kind, what is read) of each heading, paragraph, cell and code block, and the numbers of cells of the rows."""
    read, rows, open_tags = [], [], []
    for token in PARSER.parse(text):
        if token.type.endswith("_open"):
            open_tags.append(token.tag)
            rows += [0] if token.tag == "tr" else []
            rows[-1:] = [rows[-1] + 1] if token.tag in ("td", "th") else rows[-1:]
        elif token.type.endswith("_close"):
            open_tags.pop()
        elif token.type == "inline":
            read.append((open_tags[-1], plain(token)))
        else:
            read.append((token.type, token.content))
    return read, rows


def of(kind, read):
    return [text for one, text in read if one == kind]


@pytest.mark.some(8)
def test_every_section_is_heading_sentences_and_tables(trace, told):
    parts = told(trace)
    read, rows = blocks(to_markdown(parts))
    assert {kind for kind, _ in read} <= {"h1", "h2", "h3", "h4", "p", "th", "td", "code_block"}
    assert [text.splitlines() for text in of("code_block", read)] == [
        list(part.lines) for part in parts if isinstance(part, Section) and part.lines
    ]
    assert None not in [text for _, text in read]
    titles = [part for part in parts if isinstance(part, Section)]
    heads = [part.text for part in parts if isinstance(part, Heading) and part.level == 3]
    assert [text for kind, text in read if kind in ("h3", "h4") and text not in heads] == [
        f"{part.title}: {part.formula}" if part.formula else part.title for part in titles
    ]
    sentences = [" ".join(part.sentences) for part in titles if part.sentences]
    facts = [part.facts for part in parts if isinstance(part, Heading) and part.facts]
    assert sorted(of("p", read)) == sorted(sentences + facts)
    matrices = [matrix for part in titles for matrix in part.matrices]
    assert rows == [len(matrix.columns) + 1 for matrix in matrices for _ in range(len(matrix.rows) + 1)]
    cells = [
        cell
        for matrix in matrices
        for label, row in zip(matrix.rows, matrix.cells, strict=True)
        for cell in (label, *row)
    ]
    assert of("td", read) == cells


@given(tokens=st.lists(TOKENS, min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_tokens_come_back_as_they_were_shown(told, tokens):
    names = [name(token) for token in tokens]
    read, rows = blocks(to_markdown(told(trace_of(tokens), step=["scores"])))
    assert of("h1", read) == [" ".join(names)]
    assert of("th", read)[1:] == names
    assert of("td", read)[:: len(names) + 1] == names
    assert len(rows) == len(names) + 1
    assert all(count == len(names) + 1 for count in rows)
    (here,) = [text for text in of("p", read) if text is None or "largest score" in text]
    places = [f" @{place}" if names.count(one) > 1 else "" for place, one in enumerate(names)]
    quoted = [f"`{one}`{place}" for one, place in zip(names, places, strict=True)]
    assert any(f"{one} with {other}" in here for one in quoted for other in quoted)


@given(tokens=st.lists(TOKENS, min_size=2, max_size=4))
@settings(deadline=None, max_examples=60)
def test_tokens_in_sentences_and_titles_are_code(told, tokens):
    names = [name(token) for token in tokens]
    assert set(code(to_markdown(told(trace_of(tokens), step=["scores"])))) <= set(names)
    title, position, other = names[0], names[0], names[1]
    arithmetic = code(to_markdown(told(trace_of(tokens), query="@0", key="@1")))
    assert arithmetic == [title, other, position, other]


@given(token=TOKENS)
@settings(deadline=None, max_examples=60)
def test_arithmetic_is_one_block_of_code_in_which_nothing_is_markup(told, token):
    parts = told(trace_of([token, "x"]), query="0", key="1")
    read, rows = blocks(to_markdown(parts))
    assert rows == []
    assert [kind for kind, _ in read] == ["h1", "h2", "p", "h3", "p", "code_block"]
    assert read[-1][1].splitlines() == list(parts[-1].lines)
    assert of("h3", read) == [parts[-1].title]


@given(text=TOKENS.map(name), level=st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_headings_come_back_as_they_were_written(text, level):
    read, _ = blocks(to_markdown([Heading(level, text, f"of {text}")]))
    assert read == [(f"h{level}", text), ("p", f"of {text}")]


@given(label=TOKENS.map(name))
@settings(deadline=None, max_examples=60)
def test_every_cell_of_a_table_comes_back_as_it_was_written(label):
    matrix = Matrix(label, [label, label], [label], [["−∞"], ["-0.5"]], [[None], [None]])
    read, rows = blocks(to_markdown([Section(label, "", [f"of {label}"], [matrix])]))
    assert read == [
        ("h2", label), ("p", f"of {label}"), ("th", label), ("th", label),
        ("td", label), ("td", "−∞"), ("td", label), ("td", "-0.5"),
    ]  # fmt: skip
    assert rows == [2, 2, 2]


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_a_head_has_a_heading_between_its_layer_and_its_sections(told, traces, lang):
    read, _ = blocks(to_markdown(told(traces["grouped heads"](), lang)))
    assert [kind for kind, _ in read if kind[0] == "h"].count("h3") == 5


@pytest.mark.some(8)
def test_no_heading_is_more_than_one_level_below_the_one_before(trace, told):
    """Level 4 stands only below a head."""
    read, _ = blocks(to_markdown(told(trace)))
    levels = [int(kind[1]) for kind, _ in read if kind in ("h1", "h2", "h3", "h4")]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert (4 in levels) == (trace.layers[0].heads > 1)


def test_it_ends_with_one_newline(told, traces):
    text = to_markdown(told(traces["plain"]()))
    assert text.endswith("|\n")
    assert "\n\n\n" not in text
