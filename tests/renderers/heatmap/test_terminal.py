"""The heat map in a terminal, in colour and without."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_roles import made_role
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from thinned import in_pairs

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.choices import MapStep, Pool
from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.renderers.heatmap.terminal import TerminalMap, room
from attnviz.renderers.shared import colours
from attnviz.renderers.shared.scale import Scale
from attnviz.trace.selection import select
from tests.support.contributions import with_output

COLOUR = pytest.mark.parametrize("colour", ["truecolor", None])


def trace_of(queries, keys=None, heads=1, causal=False, tokens=None, seed=0):
    """Random attention, each head another."""
    draw = numpy.random.default_rng(seed)
    keys = keys or queries
    query, key, value = (draw.standard_normal((heads, count, 3)) * 1.5 for count in (queries, keys, keys))
    tokens = tokens or tuple(f"w{place}" for place in range(queries))
    key_tokens = None if keys == queries else tuple(f"k{place}" for place in range(keys))
    rule = Rule(causal=causal, query_offset=keys - queries if causal else None)
    return Trace(tokens, (with_output(Layer(query, key, value, rule, key_tokens=key_tokens)),))


def picture_of(trace, step=MapStep.WEIGHTS):
    return decide(trace, select(trace), step)


def lines_of(console: Console, picture, **options):
    """Each line as segments, uncropped."""
    return list(Segment.split_lines(console.render(TerminalMap(picture, **options))))


def text_of(line):
    return "".join(segment.text for segment in line)


def drawn(console, picture, **options):
    return [text_of(line) for line in lines_of(console, picture, **options)]


def legend_of(lines):
    """The lines below the last empty one."""
    return lines[max(place for place, line in enumerate(lines) if not line.strip()) + 1 :]


def ends_of_the_scale(lines):
    return [float(word) for word in " ".join(legend_of(lines)).split() if re.fullmatch(r"-?[\d.]+(e-\d+)?", word)]


@pytest.mark.parametrize(("tokens", "heads", "colour"), in_pairs([1, 3, 12, 64, 200], [1, 4, 12], ["truecolor", None]))
@pytest.mark.some(5)
def test_no_line_is_wider_than_the_console(console, tokens, heads, colour):
    picture = picture_of(trace_of(tokens, heads=heads, causal=True))
    for width in (20, 47, 80, 200):
        wide = [line for line in drawn(console(width, colour), picture)[:-1] if cell_len(line) > width]
        assert not wide, width


@pytest.mark.parametrize("colour", ["truecolor", None])
@pytest.mark.parametrize("width", [20, 33, 80])
@pytest.mark.some(2)
def test_the_legend_is_not_wider_than_the_console(console, width, colour):
    for step, (tokens, causal) in itertools.product(MapStep, ((5, True), (64, False))):
        lines = drawn(console(width, colour), picture_of(trace_of(tokens, causal=causal), step))
        assert max(map(cell_len, legend_of(lines))) <= width


@given(
    width=st.integers(20, 200),
    queries=st.integers(1, 40),
    keys=st.integers(1, 40),
    heads=st.integers(1, 5),
    colour=st.sampled_from(["truecolor", None]),
    step=st.sampled_from(list(MapStep)),
)
@settings(deadline=None, max_examples=40)
def test_no_line_of_any_map_is_wider_than_the_console(console, width, queries, keys, heads, colour, step):
    picture = picture_of(trace_of(queries, keys, heads, causal=True), step)
    assert all(cell_len(line) <= width for line in drawn(console(width, colour), picture)[:-1])


@pytest.mark.slow
@given(
    width=st.integers(20, 200),
    queries=st.integers(2, 1200),
    keys=st.one_of(st.none(), st.integers(2, 1200)),
    heads=st.integers(1, 5),
    pool=st.sampled_from(list(Pool)),
    cells=st.one_of(st.none(), st.integers(16, 160)),
    causal=st.booleans(),
    colour=st.sampled_from(["truecolor", None]),
)
@settings(deadline=None, max_examples=40)
def test_a_text_of_any_length_becomes_a_map(console, width, queries, keys, heads, pool, cells, causal, colour):
    trace = trace_of(queries, keys, heads, causal and (keys or queries) >= queries)
    picture = decide(trace, select(trace), view=View(pool, cells))
    assert all(cell_len(line) <= width for line in drawn(console(width, colour), picture)[:-1])


@pytest.mark.parametrize("heads", [1, 16])
def test_a_map_that_is_pooled_for_the_console_grows_by_factors_from_more_than_nothing(console, heads):
    lines = drawn(console(80, "truecolor"), picture_of(trace_of(400, heads=heads, causal=True)))
    assert re.search(r" × [\d.]+ a block   · hidden$", lines[-1])
    assert ends_of_the_scale(lines)[0] > 0


@COLOUR
@pytest.mark.parametrize("tokens", [("日本語", "👩‍👩‍👧", "việc", "e\u0301"), ("x" * 40, "日" * 30, " ", "\x1b[31m")])
def test_tokens_of_any_script_keep_the_map_in_its_place(console, tokens, colour):
    picture = picture_of(trace_of(4, tokens=tokens))
    for width in (20, 80):
        lines = drawn(console(width, colour), picture)
        assert all(cell_len(line) <= width for line in lines[:-1])
        assert "\x1b" not in "".join(lines)
        cells = [line for line in lines[2:-2] if re.search("[█▀▄░▒▓]", line)]
        assert len({cell_len(line) for line in cells}) == 1


def test_every_query_is_named_beside_its_row_and_every_key_below_its_column(console):
    tokens = ("one", "two", "three")
    *lines, _ = drawn(console(60), picture_of(trace_of(3, tokens=tokens)))
    assert [line.split()[0] for line in lines[2:] if line.strip().startswith(tokens)] == list(tokens)
    below = lines[max(place for place, line in enumerate(lines) if re.search("[░▒▓█]", line)) + 1 :]
    columns = ["".join(column).strip() for column in zip(*(line.ljust(60) for line in below), strict=True)]
    assert [word for word in columns if word] == list(tokens)


def test_shades_grow_with_the_weights(console):
    picture = picture_of(trace_of(1, 30))
    row = next(line for line in drawn(console(100), picture)[2:] if line.strip().startswith("w0"))
    values, width = picture.panels[0].values[0], 3
    shades = [" ░▒▓█".index(shade) for shade in row[len("query ") :].ljust(30 * width)[: 30 * width : width]]
    order = numpy.argsort(values)
    assert [shades[place] for place in order] == sorted(shades)
    assert shades[order[-1]] == 4


@pytest.mark.parametrize("colour", ["truecolor", None])
def test_hidden_cells_are_dots_and_the_legend_says_so(console, colour):
    lines = drawn(console(60, colour), picture_of(trace_of(4, causal=True)))
    assert "· hidden" in lines[-1]
    first = next(line for line in lines if line.strip().startswith("w0"))
    cell = first.count("·") // 3
    assert first.rstrip().endswith("·" * 3 * cell)
    assert cell > 0
    last = next(line for line in lines if line.strip().startswith("w3"))
    assert "·" not in last


@pytest.mark.parametrize("colour", ["truecolor", None])
def test_nothing_hidden_is_not_spoken_of(console, colour):
    assert "·" not in "".join(drawn(console(60, colour), picture_of(trace_of(4))))


def expected(picture, value):
    low, high = picture.scale[:2]
    return numpy.array(colours.rgb((value - low) / (high - low)))


def channels(colour):
    return numpy.array(colour.get_truecolor())


def test_a_half_block_has_the_colours_of_the_two_cells_it_stands_for(console):
    picture = picture_of(trace_of(64))
    lines = lines_of(console(80, "truecolor"), picture)
    rows = [[one for one in line if one.text in ("▀", "▄")] for line in lines]
    rows = [row for row in rows if len(row) == 64]
    assert len(rows) == 32
    for line, row in ((0, 0), (5, 10), (31, 62)):
        for column in (0, 7, 63):
            segment = rows[line][column]
            above, below = picture.panels[0].values[row : row + 2, column]
            assert segment.text == "▀"
            # Colours come in 64 steps: half a step may lie between.
            assert numpy.abs(channels(segment.style.color) - expected(picture, above)).max() <= 6
            assert numpy.abs(channels(segment.style.bgcolor) - expected(picture, below)).max() <= 6


def test_a_half_block_of_a_hidden_and_a_visible_cell_shows_the_visible_one_alone(console):
    mask = numpy.ones((64, 64), bool)
    mask[0, 5] = mask[1, 6] = mask[0, 7] = mask[1, 7] = False
    trace = trace_of(64)
    layer = trace.layers[0]
    picture = picture_of(Trace(trace.tokens, (Layer(layer.query, layer.key, layer.value, Rule(mask=mask)),)))
    values = picture.panels[0].values
    lines = lines_of(console(80, "truecolor"), picture)
    row = next(
        [one for one in line if len(one.text) == 1 and one.text in "▀▄·"] for line in lines if "▀" in text_of(line)
    )
    assert [row[place].text for place in (5, 6, 7)] == ["▄", "▀", "·"]
    assert numpy.abs(channels(row[5].style.color) - expected(picture, values[1, 5])).max() <= 6
    assert numpy.abs(channels(row[6].style.color) - expected(picture, values[0, 6])).max() <= 6
    assert row[5].style.bgcolor is None
    assert row[6].style.bgcolor is None
    assert row[7].style.bgcolor is None


def test_an_odd_last_row_has_nothing_below_it(console):
    lines = lines_of(console(30, "truecolor"), picture_of(trace_of(21)))
    rows = [[one for one in line if one.text in ("▀", "▄")] for line in lines]
    last = [row for row in rows if len(row) == 21][-1]
    assert {segment.text for segment in last} == {"▀"}
    assert not any(segment.style.bgcolor for segment in last)


@pytest.mark.parametrize(("tokens", "width", "size"), [(200, 80, 3), (200, 120, 2), (64, 20, 5)])
def test_a_text_too_long_for_the_console_is_pooled_and_that_is_said(console, tokens, width, size):
    trace = trace_of(tokens, causal=True)
    picture = picture_of(trace)
    lines = lines_of(console(width, "truecolor"), picture)
    assert f"mean of {size} × {size} tokens" in " ".join(text_of(line) for line in lines)
    count = math.ceil(tokens / size)
    rows = [[one for one in line if len(one.text) == 1 and one.text in "▀▄·"] for line in lines]
    rows = [row for row in rows if len(row) == count]
    low, high, *_ = ends_of_the_scale([text_of(line) for line in lines])
    values, scale = picture.panels[0].values, Scale(low, high, high, decades=low > 0)
    for line, column in ((len(rows) // 2, 0), (len(rows) // 2, 1), (len(rows) - 2, count - 6)):
        block = values[2 * line * size : (2 * line + 1) * size, column * size : (column + 1) * size]
        mean = block[block > -math.inf].mean()
        assert numpy.abs(channels(rows[line][column].style.color) - colours.rgb(scale.place(mean))).max() <= 8
    assert rows[0][-1].text == "·"


@COLOUR
@pytest.mark.parametrize(("tokens", "cells"), [(300, None), (3000, 100), (3000, 30)])
@pytest.mark.some(2)
def test_the_columns_of_a_long_text_have_ticks_at_round_positions(console, colour, tokens, cells):
    trace = trace_of(tokens)
    lines = drawn(console(120, colour), decide(trace, select(trace), view=View(cells=cells)))
    [line] = [line for line in lines if "╵" in line]
    left = len("query ")
    width = len(lines[lines.index(line) - 1].rstrip()) - left
    labels = re.findall(r"╵([\d,]+)|([\d,]+)╵", line)
    assert len(labels) >= 3
    for mark, (after, before) in zip(re.finditer("╵", line), labels, strict=True):
        position = int((after or before).replace(",", ""))
        assert (mark.start() - left) / width == pytest.approx(position / tokens, abs=0.03)


def test_a_region_has_positions_beside_its_tokens_and_below_them(console):
    trace = trace_of(2000, tokens=tuple(f"w{place % 7}" for place in range(2000)))
    lines = drawn(console(80), decide(trace, select(trace, query="1000:1012", key="1500:1510")))
    assert next(line.split()[:2] for line in lines if line.startswith("@")) == ["@1,000", "w6"]
    [ticks] = [line for line in lines if "╵" in line]
    assert re.findall(r"╵([\d,]+)", ticks)[0] == "1,500"
    plain = trace_of(2000, tokens=tuple(map(str, range(2000))))
    told = drawn(console(80), decide(plain, select(plain, query="1000:1012", key="1500:1510")))
    assert not re.search("[@╵]", "".join(told))


@COLOUR
@pytest.mark.parametrize("tokens", [3, 12, 20, 100, 900])
def test_a_map_is_no_higher_than_the_terminal_where_it_has_a_choice(console, colour, tokens):
    target = console(80, colour)
    high = list(Segment.split_lines(target.render(TerminalMap(picture_of(trace_of(tokens)), height=36))))
    assert len(high) < 36


def test_a_map_that_fits_is_not_pooled(console):
    assert "mean of" not in " ".join(drawn(console(80), picture_of(trace_of(64))))


@pytest.mark.parametrize("heads", [1, 4, 12])
def test_every_head_has_a_panel_with_its_title(console, heads):
    text = "\n".join(drawn(console(120), picture_of(trace_of(6, heads=heads))))
    assert re.findall(r"Head (\d+)", text) == ([str(head) for head in range(heads)] if heads > 1 else [])


@pytest.mark.parametrize(
    ("tokens", "width", "kv_heads", "layers"), in_pairs([1, 3, 6, 9, 30], [20, 40, 80, 160], [12, 4], [1, 2])
)
def test_heads_are_told_apart_at_any_width(console, tokens, width, kv_heads, layers):
    draw = numpy.random.default_rng(0)
    query, key = draw.standard_normal((12, tokens, 2)), draw.standard_normal((kv_heads, tokens, 2))
    trace = Trace(
        tuple(f"w{place}" for place in range(tokens)),
        tuple(Layer(query, key, key, index=index) for index in range(layers)),
    )
    lines = drawn(console(width), picture_of(trace))
    titles = [
        title for line in lines for title in re.findall(r"(?:L\d)?H\d+|(?:Layer \d · h|H)ead \d+(?: · kv \d)?", line)
    ]
    assert len(set(titles)) == len(titles) == 12 * layers
    assert not any("…" in line for line in lines if "Head" in line or re.search(r"H\d", line))
    assert all(cell_len(line) <= width for line in lines[:-1])


def test_titles_that_fit_are_whole_and_others_are_short_all_of_them(console):
    picture = picture_of(trace_of(2, heads=12))
    assert any(line.split() == [f"H{head}" for head in range(12)] for line in drawn(console(100), picture))
    wider = "\n".join(drawn(console(100), picture_of(trace_of(3, heads=12))))
    assert re.findall("Head [0-9]+", wider) == [f"Head {head}" for head in range(12)]


@pytest.mark.parametrize("colour", ["truecolor", None])
def test_the_legend_shows_both_ends_of_the_scale(console, colour):
    for step in MapStep:
        picture = picture_of(trace_of(5), step)
        assert ends_of_the_scale(drawn(console(80, colour), picture)) == pytest.approx(
            list(picture.scale[:2]), rel=1e-3
        )


def test_a_scale_that_ends_early_says_how_far_the_values_go(console):
    picture = picture_of(trace_of(4))._replace(scale=Scale(0.0, 0.1, 0.9))
    assert "0.1 (→ 0.90)" in drawn(console(80), picture)[-1]


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (Scale(0.0, 0.0007, 0.0035), "0.0007 (→ 0.0035)"),
        (Scale(0.0, 0.02, 0.0249), "0.02 (→ 0.025)"),
        (Scale(1e-6, 1.0, 1.0, decades=True, least=3.21e-9), "1e-06 (→ 3.2e-09) ░"),
        (Scale(1e-6, 1.0, 1.0, decades=True, least=0.0), "1e-06 (→ 0) ░"),
        (Scale(1e-4, 1.0, 1.0, decades=True), "× 10 a shade"),
    ],
)
def test_the_legend_says_in_numbers_what_lies_beyond_the_scale_and_how_it_grows(console, scale, words):
    lines = drawn(console(120), picture_of(trace_of(4))._replace(scale=scale))
    assert words in lines[-1]


def test_a_block_of_the_legend_is_as_many_times_the_one_before_as_it_says(console):
    picture = picture_of(trace_of(4))._replace(scale=Scale(1e-3, 1.0, 1.0, decades=True, least=1e-3))
    *_, last = drawn(console(120, "truecolor"), picture)
    assert f"× {1000 ** (1 / (last.count('█') - 1)):.2g} a block" in last


def test_title_and_text_come_first(console):
    picture = picture_of(trace_of(3, causal=True))
    assert drawn(console(80), picture)[:2] == ["Attention weights, causal", "“w0 w1 w2”"]


def test_signed_scores_have_two_arms_around_zero(console):
    picture = picture_of(trace_of(1, 30), MapStep.SCORES)
    assert picture.scale.diverging
    line = next(line for line in lines_of(console(120, "truecolor"), picture) if "▀" in text_of(line))
    blocks = [one for one in line if set(one.text) <= set("▀█") and one.text]
    values = picture.panels[0].values[0]
    for place in (values.argmin(), values.argmax()):
        red, _, blue = channels(blocks[place].style.color)
        assert (blue > red) == (values[place] > 0)


def test_another_colour_map_is_used(console):
    picture = picture_of(trace_of(64))
    lines = lines_of(console(80, "truecolor"), picture, cmap="Greys")
    shades = [channels(one.style.color) for line in lines for one in line if one.text == "▀"]
    assert len(shades) > 1000
    assert all(shade.max() - shade.min() <= 1 for shade in shades)


def test_an_unknown_colour_map_is_an_error_that_suggests_one():
    with pytest.raises(AttnvizError) as error:
        TerminalMap(picture_of(trace_of(2)), "virdis")
    assert "viridis" in error.value.hint


def test_tokens_are_no_markup(console):
    lines = drawn(console(60), picture_of(trace_of(2, tokens=("[red]x[/]", ":smile:"))))
    assert any("[red]x[/]" in line for line in lines)
    assert any(":smile:" in line for line in lines)


def test_a_query_that_sees_nothing_is_a_row_of_dots(console):
    mask = numpy.array([[True, True], [False, False]])
    array = numpy.eye(2)
    picture = picture_of(Trace(("seeing", "blind"), (Layer(array, array, array, Rule(mask=mask)),)))
    line = next(line for line in drawn(console(60), picture)[2:] if "blind" in line)
    assert set(line.split()[1]) == {"·"}


@pytest.mark.parametrize(("width", "panels", "cells"), [(80, 1, 70), (80, 3, 21), (400, 1, 150), (20, 1, 16)])
def test_a_long_text_gets_as_many_cells_as_fit_across(console, width, panels, cells):
    assert room(console(width), panels) == cells


def test_and_no_more_than_its_height_has_lines_for(console):
    assert room(console(80), 1, 40) == 29
    assert room(console(80, "truecolor"), 1, 40) == 58
    assert room(console(80), 1, 10) == 16


@pytest.mark.parametrize(
    ("width", "title", "below"),
    [
        (160, "Head 1 · syntax (proved)", ""),
        (60, "Head 1   ", "Head 1 · syntax (proved), Head 3 · meaning (proved)"),
        (24, "H1", "H1 · syntax (proved),"),
    ],
)
def test_roles_for_which_there_is_no_room_above_the_panels_stand_before_them(width, title, below):
    text = " ".join("abcdefghijklmn"[: {160: 14, 60: 4, 24: 2}[width]])
    roles = (made_role(layer=0, head=1), made_role("meaning", layer=0, head=3))
    trace = replace(trace_text(text, heads=4), roles=roles)
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(TerminalMap(decide(trace, select(trace))))
    shown = capture.get()
    assert any(title in line for line in shown.splitlines())
    assert (below in shown) if below else shown.count("syntax (proved)") == 1
