"""A page that is too large is refused before it is made, and what would fit is said."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from random_traces import long_trace, projected_trace, random_trace

from attnviz import AttnvizError, Trace, trace_text
from attnviz.choices import MapStep
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.limits import USUAL, Limits, bare_size
from attnviz.renderers.page.packing import Part
from attnviz.renderers.page.page import to_html
from attnviz.renderers.page.parts import page_parts
from attnviz.renderers.page.size import missing_step, what_is_missing
from attnviz.trace.selection import select

LONG = Limits(tokens=200)
NARROW = Limits(
    megabytes=round(bare_size() / 1e6 + 0.2, 2), tokens=320, cells_of_several=60
)  # as the usual limits are for a model of 30 layers


def test_a_page_that_is_too_large_says_what_fits():
    trace = random_trace(4, 4, 120, 64)
    some, few = (round((bare_size() + arrays) / 1e6, 3) for arrays in (115_000, 29_000))
    with pytest.raises(AttnvizError, match=rf"would take 0\.\d\d MB, and {some} are the most") as refused:
        to_html(trace, select(trace), limits=Limits(megabytes=some))
    assert refused.value.hint == "about one of the 4 layers fits: select it with --layer, or raise --max-size"
    assert len(trace.to_html(layer=[0], max_size=some)) < some * 1e6
    with pytest.raises(AttnvizError) as refused:
        to_html(trace, select(trace, layer=["0"]), limits=Limits(megabytes=few))
    assert (
        refused.value.hint == "about one head of one layer fits: select it with --layer and --head, or raise --max-size"
    )
    assert len(trace.to_html(layer=[0], head=[0], max_size=few)) < few * 1e6


def test_a_page_for_which_there_is_no_room_at_all_says_nothing_of_what_it_holds():
    trace, said = trace_text("a"), []
    with pytest.raises(AttnvizError, match=r"would take 0\.\d+ MB, and 0\.1 are the most"):
        to_html(trace, select(trace), limits=Limits(megabytes=0.1), notice=said.append)
    assert not said


def test_a_page_without_x_and_its_matrices_says_so():
    trace = trace_text("a b c", heads=12, dim=240)
    few = round(bare_size() / 1e6 + 0.2, 2)
    size, said = made(trace, Limits(megabytes=few))
    assert said == [
        f"X, W_Q, W_K, W_V and W_O do not fit into {few:g} MB, so the page does not show these steps; "
        "--max-size makes room for them"
    ]
    assert size < few * 1e6
    assert made(trace, USUAL)[1] == []


def test_a_hopeless_page_is_refused_before_it_is_computed():
    trace, heard = random_trace(1, 2, 4000, 2), []
    with pytest.raises(AttnvizError, match="would take"):
        to_html(trace, select(trace), limits=Limits(megabytes=0.1), report=lambda *done: heard.append(done))
    assert not heard


def test_a_long_text_of_many_heads_is_measured_against_the_budget():
    whole = long_trace(700)
    assert len(to_html(whole, select(whole), limits=LONG)) > 500_000
    with pytest.raises(AttnvizError, match=r"the page would take .* MB, and 0\.2 are the most"):
        to_html(whole, select(whole), limits=replace(LONG, megabytes=0.2))


def test_a_page_that_is_far_too_large_is_refused_before_it_is_drawn():
    whole, heard = long_trace(700), []
    with pytest.raises(AttnvizError, match=r"the page would take 1\.\d MB, and 0\.3 are the most"):
        to_html(whole, select(whole), limits=replace(LONG, megabytes=0.3), report=lambda *done: heard.append(done))
    assert not heard


@pytest.mark.slow
def test_the_heads_of_a_long_text_that_are_said_to_fit_do():
    """Of one head there are more cells than of two together."""
    whole = long_trace(1000)
    some = (bare_size() + 640_000) / 1e6
    assert len(to_html(whole, select(whole, head=["0"]), limits=LONG)) > 0.8e6
    with pytest.raises(AttnvizError) as refused:
        to_html(whole, select(whole), limits=replace(LONG, megabytes=some))
    assert (refused.value.hint or "").startswith("about 2 heads of one layer fit")
    assert len(to_html(whole, select(whole, head=["0-1"]), limits=LONG)) < some * 1e6


@pytest.mark.slow
@pytest.mark.parametrize("tokens", [100, 150, 256])
def test_so_many_heads_as_are_said_to_fit_do_however_badly_their_weights_are_compressed(tokens):
    trace, said = random_trace(1, 12, tokens, 64, causal=True), set()
    for room in range(30_000, 150_000, 15_000):
        limits = Limits(megabytes=(bare_size() + room) / 1e6)
        try:
            to_html(trace, select(trace), limits=limits)
        except AttnvizError as refused:
            count = re.match(r"about (\d+|one) heads? of one layer", refused.hint or "")
            if count:
                said.add(heads := 1 if count[1] == "one" else int(count[1]))
                some = select(trace, head=[f"0-{heads - 1}"])
                assert len(to_html(trace, some, limits=limits)) <= limits.size
    assert len(said) > 2


def made(trace: Trace, limits: Limits, **words: object) -> tuple[int, list[str]]:
    """How large its page is, and what was said of it."""
    said: list[str] = []
    return len(to_html(trace, select(trace), limits=limits, notice=said.append, **words)), said


def test_no_length_is_refused_and_longer_texts_have_fewer_steps():
    computed, pooled = [], []
    for tokens in (24, 100, 160, 220, 320, 321, 400):
        trace = random_trace(2, 6, tokens, 32, causal=True)
        size, said = made(trace, NARROW)
        assert size <= NARROW.size
        parts = page_parts(select(trace).layers, NARROW)
        computed.append(sum(len(part.selected.heads) for part in parts if part.form.computes))
        pooled.append(any(part.form is Form.POOLED for part in parts))
        assert bool(said) == (computed[-1] < 12)
    assert pooled == sorted(pooled)
    assert (computed[0], computed[-1] < 3, pooled[-1]) == (12, True, True)


@pytest.mark.slow
def test_a_model_of_thirty_layers_has_a_page_at_every_length():
    for tokens in (128, 650, 1000, 4096, 4097):
        size, said = made(random_trace(30, 9, tokens, 64, causal=True), USUAL)
        assert size <= USUAL.size
        assert bool(said) == (tokens > 128)


def test_a_long_text_says_what_shows_a_part_of_it():
    parts = [Part(selected, Form.POOLED) for selected in select(long_trace(700)).layers]
    assert what_is_missing(parts, LONG) == (
        "each map has 350 × 350 cells of 2 × 2 tokens, mean: the text is long; --query A:B with --key C:D shows a part of it"
    )
    region = [Part(one, Form.POOLED) for one in select(long_trace(700), query="0:9", key="0:9").layers]
    assert what_is_missing(region, LONG) == ""


@pytest.mark.parametrize(
    ("forms", "tokens", "said"),
    [
        ((Form.SHORT, Form.SHORT), 40, ""),
        ((Form.SHORT, Form.WEIGHTS), 40, "of 2 of 5 heads fit into {size} MB; of the others every weight has 8 bits"),
        ((Form.WEIGHTS, Form.WEIGHTS), 40, "of 5 heads do not fit into {size} MB: every weight has 8 bits"),
        ((Form.SHORT, Form.POOLED), 40, "of 2 of 5 heads fit into {size} MB; of the others every weight has 16 bits"),
        (
            (Form.SHORT, Form.POOLED),
            120,
            "of 2 of 5 heads fit into {size} MB; of the others each map has 60 × 60 cells of 2 × 2 tokens, mean",
        ),
    ],
)
def test_what_is_missing_is_said(forms, tokens, said):
    [selected] = select(random_trace(1, 5, tokens, 4)).layers
    parts = [Part(selected._replace(heads=heads), form) for heads, form in zip(((0, 1), (2, 3, 4)), forms, strict=True)]
    choose = "; --max-size makes room for more, --layer and --head choose heads"
    said = said.format(size=f"{NARROW.megabytes:g}")
    assert what_is_missing(parts, NARROW) == (said and f"Query, Key and Value {said}{choose}")


def test_weights_that_compress_well_are_looked_at_before_they_are_pooled():
    """Heads that look at few keys: a plain guess would be three times too large, and take their pairs from them."""
    flat, sharp = (random_trace(1, 8, 300, 256, causal=True) for _ in range(2))
    for layer in sharp.layers:
        layer.query[:] *= 10
    limits = replace(NARROW, megabytes=(bare_size() + 165_000) / 1e6)
    rest = [page_parts(select(trace).layers, limits)[-1].form for trace in (flat, sharp)]
    assert rest == [Form.POOLED, Form.WEIGHTS]
    size, said = made(sharp, limits)
    assert (size < limits.size, len(said)) == (True, 1)


def test_a_page_for_which_even_pooled_maps_are_too_large_is_refused_before_any_work():
    trace, heard = random_trace(8, 16, 300, 64, causal=True), []
    with pytest.raises(AttnvizError, match=r"and 0\.1 are the most that it may") as refused:
        to_html(trace, select(trace), limits=replace(NARROW, megabytes=0.1), report=lambda *done: heard.append(done))
    assert (refused.value.hint, heard) == ("give a shorter text, or raise --max-size", [])


@pytest.mark.parametrize(("form", "step", "told"), [("weights", "scores", True), ("exact", "scores", False)])
def test_a_page_of_weights_alone_says_that_it_has_no_other_step(form, step, told):
    parts = [Part(select(random_trace(1, 2, 4, 3)).layers[0], Form(form))]
    assert bool(missing_step(parts, MapStep(step))) == told
    assert missing_step(parts, MapStep.WEIGHTS) == missing_step(parts, None) == ""


@pytest.mark.parametrize(
    ("heads", "form", "told"), [("01", "exact", False), ("01", "weights", True), ("0", "exact", True)]
)
def test_a_page_without_all_heads_of_any_layer_says_that_it_has_no_sum(heads, form, told):
    selected = select(projected_trace(), head=["0-3"] if heads == "01" else list(heads)).layers[0]
    assert bool(missing_step([Part(selected, Form(form))], MapStep.SUMMED)) == told
