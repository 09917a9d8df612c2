"""explain as an element of HTML: what a reader sees is what was meant, and nothing runs."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz.renderers.explain.document import Heading, Section
from attnviz.renderers.explain.fragment import to_fragment
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.matrix import Matrix

TAGS = {"div", "h2", "h3", "h4", "h5", "p", "pre", "code", "span", "table", "tr", "th", "td"}


class Reader(HTMLParser):
    """The texts of an element by the tags around them, each tag closed where it must be; no attribute but style."""

    def __init__(self):
        super().__init__()
        self.open, self.read, self.rows, self.styles = [], [], [], []

    def handle_starttag(self, tag, attributes):
        assert tag in TAGS
        assert [key for key, _ in attributes if key != "style"] == []
        self.styles += [(tag, value) for _, value in attributes]
        self.open.append(tag)
        self.rows += [[]] if tag == "tr" else []
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] in ("th", "td"):
            self.rows[-1][-1] += text
        self.read.append((tuple(self.open), text))

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def reader(fragment):
    found = Reader()
    found.feed(fragment)
    found.close()
    assert found.open == []
    return found


def words(found, tag):
    return [text for tags, text in found.read if tags[-1:] == (tag,)]


def test_what_belongs_together_stands_side_by_side(told, traces):
    parts = told(traces["four heads"](), side_by_side=True, every=False)
    found = reader(to_fragment(parts))
    rows = [style for tag, style in found.styles if tag == "div" and "display: flex" in style]
    assert (
        len(rows) == 1 + 1 + 3 + 1
    )  # W_Q with W_K and W_V; Q with K and V; weights with output; W_O with what it yields
    inside = [
        tags.count("div")
        for tags, text in found.read
        if tags[-1:] == ("h5",) and text.strip() in ("Query", "Key", "Value")
    ]
    assert inside == [3, 3, 3]


@pytest.mark.some(8)
def test_every_number_and_every_title_is_there(trace, told):
    parts = told(trace)
    fragment = to_fragment(parts)
    found = reader(fragment)
    matrices = [matrix for part in parts if isinstance(part, Section) for matrix in part.matrices]
    rows = [
        row
        for matrix in matrices
        for row in (
            [matrix.corner, *matrix.columns],
            *([label, *cells] for label, cells in zip(matrix.rows, matrix.cells, strict=True)),
        )
    ]
    assert found.rows == rows
    shown = {text.strip() for _, text in found.read}
    assert {part.formula for part in parts if isinstance(part, Section) and part.formula} <= shown
    assert fragment.startswith("<div ")
    assert fragment.endswith("</div>\n")
    assert fragment.count('<div style="font-family') == 1


@given(token=st.text(max_size=10) | st.text("<>&\"'/!-=`", max_size=8))
@settings(deadline=None, max_examples=20)
def test_any_token_is_text(token):
    label = name(token)
    matrix = Matrix(label, [label], [label], [["1"]], [[0.5]])
    parts = [Heading(1, label, f"of `{label}`"), Section(label, label, [f"`{label}`"], [matrix], [label])]
    found = reader(to_fragment(parts))
    assert found.rows == [[label, label], [label, "1"]]
    assert words(found, "h2") == [label]
    assert label in words(found, "pre")


def test_a_number_is_readable_on_its_colour_and_what_is_hidden_is_pale():
    matrix = Matrix("", ["a"], ["0", "1", "2", "3"], [["0", "1", "−∞", "1.0"]], [[0.0, 1.0, -1.0, None]])
    found = reader(to_fragment([Section("A", "", [], [matrix])]))
    low, high, hidden, plain = [style for tag, style in found.styles if tag == "td"]
    assert "background: #440154; color: #ffffff" in low
    assert "background: #fde725; color: #000000" in high
    assert "opacity" in hidden
    assert "background" not in hidden + plain


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_the_arithmetic_of_a_pair_keeps_its_lines(told, traces, lang):
    parts = told(traces["causal"](), lang, query="@1", key="@0")
    [text] = words(reader(to_fragment(parts)), "pre")
    assert text.splitlines() == list(parts[-1].lines)
