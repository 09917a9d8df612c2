"""explain in a terminal: what is printed on consoles of fixed widths, with and without colour."""

from __future__ import annotations

import math
import re

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.measure import Measurement

from attnviz import Layer, Trace, trace_text
from attnviz.renderers.explain.document import Heading, Section
from attnviz.renderers.explain.tables import to_renderable
from attnviz.renderers.shared.matrix import HIDDEN, Matrix
from attnviz.renderers.shared.table import MatrixTable
from attnviz.text.display import shorten, shown

WIDTHS = st.integers(20, 120)
HARD = [
    "Your", "attention", "việc", "nghiêng", "Đường", "e\u0323\u0302", "日本語", "한국어", "ｆｕｌｌ", "👩‍👩‍👧‍👦", "👍🏽", "🇻🇳", "☺️",
    "नमस्ते", "สวัสดี", "a\u0301\u0302\u0303", "\u0301", "\u202eabc\u202c", "\u200bx", "\t", " ", "\x1b[31m", "x" * 50, "日" * 30, "",
]  # fmt: skip
TOKENS = st.sampled_from(HARD) | st.text(max_size=12)
GOLDEN = {
    "plain": ({}, {}),
    "plain-vi": ({}, {"lang": "vi"}),
    "causal": ({"causal": True}, {}),
    "pair": ({"causal": True}, {"query": "starts", "key": "journey"}),
    "pair-vi": ({"causal": True}, {"query": "starts", "key": "journey", "lang": "vi"}),
    "heads": ({"heads": 2, "position": "alibi"}, {"head": ["1"]}),
    "long": ({"text": " ".join(f"token{place}" for place in range(30))}, {"step": ["weights", "output"]}),
    "wide": ({"text": "Tôi đang học 注意力 cùng 👩‍👩‍👧 hôm nay", "window": 3}, {"step": ["weights"], "lang": "vi"}),
}


def luminance(colour):
    """WCAG 2.1, relative luminance."""
    shares = [channel / 255 for channel in colour]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def drawn(parts, rendered, width, colour=None):
    return [line for part in parts for line in rendered(to_renderable(part), width, colour)]


def labelled(tokens):
    """Attention of ``tokens`` to themselves with numbers of different lengths."""
    array = numpy.linspace(-3, 3, 2 * len(tokens)).reshape(len(tokens), 2)
    return Trace(tuple(tokens), (Layer(array, array, array),))


def table(rows, columns, cells):
    names = [shorten(shown(token), 16) for token in rows], [shorten(shown(token), 16) for token in columns]
    return Matrix("Query ↓ Key →", *names, cells, [[0.5] * len(columns)] * len(rows))


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("name", GOLDEN)
def test_explain_prints_what_its_golden_file_holds(told, rendered, golden, name, width):
    how, what = GOLDEN[name]
    trace = trace_text(**{"text": "Your journey starts with one step"} | how)
    lines = drawn(told(trace, **what), rendered, width)
    golden(f"explain-{name}-{width}.txt", "".join(f"{line.rstrip()}\n" for line in lines))


@given(tokens=st.lists(TOKENS, min_size=1, max_size=6), width=WIDTHS)
@settings(deadline=None, max_examples=60)
def test_no_line_is_wider_than_the_console(told, rendered, tokens, width):
    for line in drawn(told(labelled(tokens)), rendered, width):
        assert cell_len(line) <= width


@given(tokens=st.lists(TOKENS, min_size=1, max_size=6), width=WIDTHS)
@settings(deadline=None, max_examples=40)
def test_no_line_of_arithmetic_is_wider_than_the_console(told, rendered, tokens, width):
    for line in drawn(told(labelled(tokens), query="0", key="0"), rendered, width):
        assert cell_len(line) <= width


@given(tokens=st.lists(TOKENS, min_size=1, max_size=6), width=WIDTHS)
@settings(deadline=None, max_examples=60)
def test_the_rule_of_a_block_stands_in_one_column_of_cells(rendered, tokens, width):
    matrix = table(
        tokens, tokens, [[f"{row + column}.5" for column in range(len(tokens))] for row in range(len(tokens))]
    )
    places = set()
    for line in rendered(MatrixTable(matrix), width):
        if line:
            places.add(cell_len(re.split(" │ |─┼─", line)[0]))
    assert len(places) == 1


@given(
    columns=st.integers(1, 30),
    rows=st.integers(1, 4),
    width=WIDTHS,
    name=st.sampled_from(["x", "日本", "👩‍👩‍👧", "việc", "configuration"]),
)
@settings(deadline=None, max_examples=60)
def test_every_number_is_there_though_the_columns_stand_in_blocks(rendered, columns, rows, width, name):
    cells = [[f"{row * 100 + column}.25" for column in range(columns)] for row in range(rows)]
    matrix = table([f"r{place}" for place in range(rows)], [f"{name}{place}" for place in range(columns)], cells)
    blocks = "\n".join(rendered(MatrixTable(matrix), width)).split("\n\n")
    lines = [[line.partition(" │ ")[2].split() for line in block.splitlines()] for block in blocks]
    assert sum(len(block[0]) for block in lines) == columns
    for row in range(rows):
        assert [cell for block in lines for cell in block[row + 2]] == cells[row]
    assert all(line[0].startswith("Query ↓") or width < 45 for line in (block.splitlines() for block in blocks))


def test_columns_stand_in_as_few_blocks_as_fit(rendered):
    matrix = table(["a"], [str(place) for place in range(6)], [["0.25"] * 6])
    needed = len("Query ↓ Key → │ ") + 6 * 4 + 5 * 2
    assert len(rendered(MatrixTable(matrix), needed + 1)) == 3  # the ground of the last cell is wider by a space
    assert len(rendered(MatrixTable(matrix), needed - 1)) == 7


def test_numbers_align_at_their_right(told, rendered):
    lines = [
        line for line in drawn(told(labelled(["a", "日本", "👍🏽"]), step=["scores"]), rendered, 80) if "│" in line
    ]
    assert len({cell_len(line) for line in lines}) == 1


def test_a_table_says_how_wide_it_is(console, rendered):
    matrix = table(["a long label"], [f"column {place}" for place in range(4)], [["0.25"] * 4])
    target = console(200)
    _, widest = Measurement.get(target, target.options, MatrixTable(matrix))
    lines = rendered(MatrixTable(matrix), 200)
    assert len(lines) == 3
    assert max(map(cell_len, lines)) <= widest <= max(map(cell_len, lines)) + 1


def segments(part, console, colour):
    target = console(100, colour)
    return [segment for line in target.render_lines(to_renderable(part), pad=False) for segment in line]


def tinted(trace, told, console, colour, step="weights"):
    (section,) = [part for part in told(trace, step=[step]) if isinstance(part, Section)]
    return section, [
        segment for segment in segments(section, console, colour) if segment.style and segment.style.bgcolor
    ]


@pytest.mark.parametrize("step", ["embeddings", "scores", "scaled", "masked", "weights", "output"])
def test_each_tinted_cell_is_easy_to_read_on_any_terminal(told, console, traces, step):
    section, cells = tinted(traces["causal"](), told, console, "truecolor", step)
    numbers = [cell for row in section.matrices[0].tints for cell in row if cell not in (None, HIDDEN)]
    assert len([segment for segment in cells if segment.text.strip()]) == len(numbers)
    for segment in cells:
        front, back = (luminance(one.triplet) for one in (segment.style.color, segment.style.bgcolor))
        assert (max(front, back) + 0.05) / (min(front, back) + 0.05) >= 4.5


def test_every_shade_of_the_scale_is_easy_to_read(console):
    matrix = table(["a"], [str(place) for place in range(101)], [["0.5"] * 101])._replace(
        tints=[[place / 100 for place in range(101)]]
    )
    target = console(2000, "truecolor")
    shades = {
        segment.style for segment in target.render(MatrixTable(matrix)) if segment.style and segment.style.bgcolor
    }
    assert len(shades) > 16
    for style in shades:
        front, back = (luminance(one.triplet) for one in (style.color, style.bgcolor))
        assert (max(front, back) + 0.05) / (min(front, back) + 0.05) >= 4.5


def test_a_larger_number_has_a_lighter_ground(told, console):
    _, cells = tinted(labelled(["a", "b", "c", "d"]), told, console, "truecolor", "scores")
    shades = [(float(one.text), luminance(one.style.bgcolor.triplet)) for one in cells if one.text.strip()]
    assert len(shades) == 16
    assert [shade for _, shade in sorted(shades)] == sorted(shade for _, shade in shades)


@pytest.mark.parametrize("colour", ["truecolor", "256", "standard", None])
def test_hidden_cells_and_sums_have_no_ground(told, console, traces, colour):
    (section,) = [part for part in told(traces["causal"](), step=["masked"]) if isinstance(part, Section)]
    hidden = [segment for segment in segments(section, console, colour) if "−∞" in segment.text and segment.style]
    assert len([one for one in hidden if one.text.strip() == "−∞"]) == 15
    assert not any(one.style.bgcolor for one in hidden)
    (section,) = [part for part in told(traces["causal"](), step=["weights"]) if isinstance(part, Section)]
    sums = [one for one in segments(section, console, colour) if one.text.strip() == "1"]
    assert len(sums) == 6
    assert not any(one.style and one.style.bgcolor for one in sums)


@pytest.mark.parametrize("colour", ["standard", None])
def test_a_console_of_few_colours_gets_no_tints(told, console, traces, colour):
    assert not tinted(traces["plain"](), told, console, colour)[1]


def test_no_color_turns_the_tints_off(told, console, traces):
    (section,) = [part for part in told(traces["plain"](), step=["weights"]) if isinstance(part, Section)]
    target = console(100, "truecolor")
    target.no_color = True
    with target.capture() as capture:
        target.print(to_renderable(section))
    assert not re.search(r"\x1b\[[\d;]*(?:38|48);", capture.get())


def test_without_colour_there_is_not_one_escape_sequence(trace, told, rendered):
    assert "\x1b" not in "\n".join(drawn(told(trace), rendered, 80))


@pytest.mark.parametrize("token", ["[red]x[/red]", ":smile:", "[/]", "[link=x]y", "\\[b]", "[[1]]"])
def test_tokens_are_no_markup(told, rendered, token):
    lines = drawn(told(labelled([token, "b"])), rendered, 100)
    assert lines[0] == f"{token} b"
    assert any(line.startswith(f"{token} ") and "│" in line for line in lines)
    assert any(f"`{token}`" in line for line in lines)
    assert any(f"`{token}`" in line for line in drawn(told(labelled([token, "b"]), query="0", key="0"), rendered, 100))


@given(token=st.text(min_size=1, max_size=8).filter(lambda text: not text.isdecimal()))
@settings(deadline=None, max_examples=60)
def test_no_token_reaches_the_terminal_as_a_control_character(told, rendered, token):
    for line in drawn(told(labelled([token, "b"]), step=["weights"]), rendered, 80):
        assert all(character.isprintable() or character in "\u200c\u200d" for character in line)


def test_a_heading_shows_its_facts(rendered):
    assert rendered(to_renderable(Heading(2, "Layer 0", "3 tokens")), 80) == ["", "Layer 0  3 tokens"]
    assert rendered(to_renderable(Heading(1, "a b")), 80) == ["a b"]


def test_infinity_is_as_wide_as_it_looks(rendered):
    matrix = table(["a", "b"], ["x"], [["−∞"], ["0.25"]])
    assert rendered(MatrixTable(matrix), 80)[2:] == ["a             │   −∞", "b             │ 0.25"]
    assert math.isinf(float("−∞".replace("−∞", "-inf")))


@given(columns=st.integers(1, 20), digits=st.integers(1, 6), width=WIDTHS)
@settings(deadline=None, max_examples=80)
def test_a_sum_stands_beside_another_column_where_two_fit(rendered, columns, digits, width):
    cells = [["0." + "1" * digits] * columns + ["1"]] * 2
    names = [f"k{place}" for place in range(columns)]
    matrix = Matrix("Query ↓ Key →", ["a", "b"], [*names, "sum"], cells, [[0.5] * (columns + 1)] * 2, summed=True)
    blocks = "\n".join(rendered(MatrixTable(matrix), width)).split("\n\n")
    heads = [block.splitlines()[0].partition(" │ ")[2].split() for block in blocks]
    assert [name for head in heads for name in head] == [*names, "sum"]
    room = width - 4 - max(1, min(cell_len("Query ↓ Key →"), max(width // 3, 8)))
    assert len(heads[-1]) > 1 or room < digits + 2 + 2 + 3 or max(map(len, heads)) == 1
    assert min(map(len, heads)) >= 1
