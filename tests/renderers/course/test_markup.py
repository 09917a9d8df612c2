"""HTML of tables and sentences, in which a token is text."""

import pytest

from attnviz.renderers.course.markup import of_pieces, prose, sentence
from attnviz.renderers.course.pieces import table
from attnviz.renderers.shared.matrix import HIDDEN

HOSTILE = "<img src=x onerror=alert(1)>\"'&"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;&amp;"


def test_code_and_bold():
    assert prose("a **b** `c`") == "a <strong>b</strong> <code>c</code>"
    assert sentence("a **b** `c`") == "a **b** <code>c</code>"


@pytest.mark.parametrize("write", [prose, sentence, lambda text: of_pieces([text])])
def test_what_a_reader_gave_is_text(write):
    assert ESCAPED in write(HOSTILE)
    assert "<img" not in write(f"`{HOSTILE}`")


def test_every_place_of_a_table_is_text():
    shown = of_pieces([table(HOSTILE, [HOSTILE], [HOSTILE], [[HOSTILE]])])
    assert shown.count(ESCAPED) == 4
    assert "<img" not in shown


def test_a_cell_is_tinted_hidden_or_plain():
    matrix = table("", ["a"], ["b", "c", "d", "e"], [["0", "1", "−∞", "2"]])._replace(tints=[[0.0, 1.0, HIDDEN, None]])
    shown = of_pieces([matrix])
    assert '<td style="background:#440154;color:#fff">0</td>' in shown
    assert '<td style="background:#fde725;color:#000">1</td>' in shown
    assert '<td class="hidden">−∞</td><td>2</td>' in shown
