"""A matrix as HTML: its labels and numbers as text, each number on its colour."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from attnviz.renderers.shared.colours import LEVELS, dark, rgb
from attnviz.renderers.shared.html_table import as_it_stands, to_table
from attnviz.renderers.shared.matrix import HIDDEN, Matrix

MATRIX = Matrix("<b>", ["a&b", "c"], ["x", "y"], [["0.1", "0.9"], ["·", "–"]], [[0.1, 1.0], [HIDDEN, None]])


def rows():
    table = ElementTree.fromstring("\n".join(to_table(MATRIX)))
    return [[(cell.tag, cell.text, cell.attrib["style"]) for cell in row] for row in table]


def test_labels_and_numbers_are_text():
    assert [[text for _, text, _ in row] for row in rows()] == [
        ["<b>", "x", "y"],
        ["a&b", "0.1", "0.9"],
        ["c", "·", "–"],
    ]
    assert [[tag for tag, _, _ in row] for row in rows()] == [["th"] * 3, ["th", "td", "td"], ["th", "td", "td"]]


def test_a_number_stands_on_its_colour():
    first, second = (style for _, _, style in rows()[1][1:])
    for style, tint in ((first, 0.1), (second, 1.0)):
        colour = rgb(round(tint * LEVELS) / LEVELS)
        assert "background: #{:02x}{:02x}{:02x}".format(*colour) in style
        assert ("color: #ffffff" in style) == dark(colour)


def test_what_is_hidden_is_pale_and_what_has_no_tint_is_plain():
    hidden, plain = (style for _, _, style in rows()[2][1:])
    assert "opacity" in hidden
    assert "background" not in hidden + plain
    assert "text-align: right" in plain


def test_a_text_keeps_its_lines():
    page = ElementTree.fromstring(as_it_stands("a\n  <b> & c"))
    assert (page.tag, page.text) == ("pre", "a\n  <b> & c")
