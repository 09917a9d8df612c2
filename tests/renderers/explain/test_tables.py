"""explain in a terminal: what is printed on consoles of fixed widths, with and without colour."""

from __future__ import annotations

import re

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from attnviz import Layer, Trace, trace_text
from attnviz.renderers.explain.document import Heading, Section
from attnviz.renderers.explain.tables import to_renderable
from attnviz.renderers.shared.matrix import HIDDEN
from tests.support.hard_tokens import TOKENS
from tests.support.luminance import luminance

WIDTHS = st.integers(20, 120)


GOLDEN = {
    "plain": ({}, {}),
    "plain-vi": ({}, {"lang": "vi"}),
    "causal": ({"causal": True}, {}),
    "pair": ({"causal": True}, {"query": "starts", "key": "journey"}),
    "pair-vi": ({"causal": True}, {"query": "starts", "key": "journey", "lang": "vi"}),
    "heads": ({"heads": 2, "position": "alibi"}, {"head": ["1"]}),
    "four-heads": ({"heads": 4, "causal": True}, {}),
    "four-heads-vi": ({"heads": 4, "causal": True}, {"lang": "vi"}),
    "long": ({"text": " ".join(f"token{place}" for place in range(30))}, {"step": ["weights", "output"]}),
    "wide": ({"text": "Tôi đang học 注意力 cùng 👩‍👩‍👧 hôm nay", "window": 3}, {"step": ["weights"], "lang": "vi"}),
}


def drawn(parts, rendered, width, colour=None):
    return [line for part in parts for line in rendered(to_renderable(part), width, colour)]


def labelled(tokens):
    """Attention of ``tokens`` to themselves with numbers of different lengths."""
    array = numpy.linspace(-3, 3, 2 * len(tokens)).reshape(len(tokens), 2)
    return Trace(tuple(tokens), (Layer(array, array, array),))


WIDE_GOLDEN = ("four-heads", "four-heads-vi")  # of which more stands side by side


@pytest.mark.parametrize(
    ("name", "width"),
    [*((name, width) for name in GOLDEN for width in (80, 40)), *((name, 100) for name in WIDE_GOLDEN)],
)
def test_explain_prints_what_its_golden_file_holds(told, rendered, golden, name, width):
    how, what = GOLDEN[name]
    trace = trace_text(**{"text": "Your journey starts with one step"} | how)
    lines = drawn(told(trace, every=False, side_by_side=True, **what), rendered, width)
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


def test_numbers_align_at_their_right(told, rendered):
    lines = [
        line for line in drawn(told(labelled(["a", "日本", "👍🏽"]), step=["scores"]), rendered, 80) if "│" in line
    ]
    assert len({cell_len(line) for line in lines}) == 1


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
    assert rendered(to_renderable(Heading(1, "a b", "`c` came last.")), 80) == ["a b", "`c` came last."]
