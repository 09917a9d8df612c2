"""A page of a long text: cells of many tokens, each the exact mean or the largest of the weights that it covers."""

from __future__ import annotations

import numpy
import pytest

from attnviz import AttnvizError, Layer, Rule, Trace, attend
from attnviz.analysis.measure import head_metrics
from attnviz.choices import Metric, Pool
from attnviz.renderers.page import pooled_maps as long_texts
from attnviz.renderers.page.page import BARE, to_html
from attnviz.renderers.page.pooled_maps import FINE_LEVELS, drawn, estimate
from attnviz.trace.selection import select
from attnviz.trace.trace import numbered


def trace(tokens: int, **rule) -> Trace:
    draw = numpy.random.default_rng(3)
    arrays = (draw.standard_normal((heads, tokens, 8)) * 2 for heads in (4, 2, 2))
    return Trace(tuple(f"w{place}" for place in range(tokens)), (Layer(*arrays, Rule(**rule)),))


@pytest.mark.parametrize("choice", Pool)
@pytest.mark.parametrize("rule", [{}, {"causal": True}, {"window": 9}, {"causal": True, "sinks": numpy.ones(4)}])
def test_a_cell_is_the_mean_or_the_largest_of_its_weights(rule, choice, monkeypatch):
    monkeypatch.setattr(long_texts, "MOST_CELLS_OF_SEVERAL", 10)
    whole = trace(103, **rule)
    layer = whole.layers[0]
    [one] = drawn(select(whole, head=["1", "3"]), choice)
    assert one.cells == ["10", "10", "11", "11"]
    assert one.labels(whole)[0][-1] == "99–102"
    steps = attend(layer.query, layer.key, layer.value, **rule)
    levels, scales = one.packed.arrays["levels"], one.packed.arrays["scales"]
    for place, head in enumerate((1, 3)):
        for row in range(10):
            for column in range(10):
                cell = (slice(11 * row, 11 * row + 11), slice(11 * column, 11 * column + 11))
                seen = ~steps.hidden[head][cell]
                if not seen.any():
                    assert levels[place, row, column] == 0
                    continue
                weights = steps.weights[head][cell][seen]
                expected = weights.mean() if choice is Pool.MEAN else weights.max()
                ours = (levels[place, row, column] - 1.0) * scales[place, row] / FINE_LEVELS
                assert abs(ours - expected) <= one.packed.error + 1e-7


def test_the_entropy_is_that_of_stats():
    mask = (numpy.arange(103) > 20)[None]  # padding on the left: under a causal mask, the first queries see nothing
    whole = trace(103, causal=True, mask=mask)
    [one] = drawn(select(whole))
    expected = head_metrics(whole, whole.layers[0])[Metric.ENTROPY]
    numpy.testing.assert_allclose(one.metrics["entropy"], expected, atol=1e-5)


def test_a_page_of_a_long_text_says_what_a_cell_is(opened, monkeypatch):
    monkeypatch.setattr("attnviz.renderers.page.page.MOST_TOKENS", 200)
    monkeypatch.setattr(long_texts, "MOST_CELLS_OF_SEVERAL", 20)
    page = opened(trace(301, causal=True), view="matrix", query=19, key=0)
    assert "19 × 19 cells of 16 × 16 tokens, exact" in page.texts("footer")[0]
    assert page.texts("h1")[0].startswith("w0 w1 w2")
    page.go(view="steps")
    assert "attnviz explain" in page.texts("main")[0]


def test_a_long_text_of_many_heads_is_measured_against_the_budget(monkeypatch):
    monkeypatch.setattr("attnviz.renderers.page.page.MOST_TOKENS", 200)
    whole = trace(700)
    assert len(to_html(whole, select(whole))) > 500_000
    with pytest.raises(AttnvizError, match=r"the page would take .* MB, and 0\.2 are the most"):
        to_html(whole, select(whole), budget=0.2)


def arrays(count, **source):
    """A trace of arrays that came without tokens."""
    whole = trace(count, causal=True)
    return Trace(numbered(count), whole.layers, {"kind": "arrays", **source})


def test_a_position_that_is_a_name_is_not_told_twice():
    [one] = drawn(select(arrays(50), queries="10:14", keys="3:6"))
    assert one.labels(arrays(50)) == (["10", "11", "12", "13"], ["3", "4", "5"])
    [one] = drawn(select(trace(50), queries="10:12", keys="3:6"))
    assert one.labels(trace(50))[0] == ["w10 @10", "w11 @11"]


def test_a_cell_of_one_token_is_named_once(monkeypatch):
    monkeypatch.setattr(long_texts, "MOST_CELLS_OF_SEVERAL", 10)
    [one] = drawn(select(trace(21), queries="3:7"))
    assert one.labels(trace(21))[0] == ["3", "4", "5", "6"]
    assert one.labels(trace(21))[1][-1] == "18–20"
    [one] = drawn(select(trace(28), keys="0:28"))
    assert one.labels(trace(28))[1][-1] == "27"


def test_the_labels_of_a_region_are_shown_as_they_are(opened):
    hostile = Trace(("a b", "<b>", *map(str, range(48))), trace(50).layers)
    page = opened(hostile, selected={"queries": "0:4"}, view="text")
    assert page.texts(".word")[:2] == ["a·b @0", "<b> @1"]


@pytest.mark.parametrize("words", [{}, {"queries": "10:14"}])
def test_arrays_without_tokens_are_called_as_their_file_is(opened, words):
    page = opened(arrays(50, file="my dump.npz"), selected=words, view="matrix")
    assert page.texts("h1") == ["my dump.npz "]


@pytest.mark.parametrize(("words", "title"), [({}, "w0 w1"), ({"queries": "10:14"}, "… w10 w11")])
def test_a_text_is_called_as_it_begins(opened, words, title):
    assert opened(trace(50), selected=words, view="matrix").texts("h1")[0].startswith(title)


@pytest.mark.parametrize("pool", Pool)
def test_only_a_mean_leaves_hidden_pairs_out(opened, monkeypatch, pool):
    monkeypatch.setattr("attnviz.renderers.page.page.MOST_TOKENS", 200)
    monkeypatch.setattr(long_texts, "MOST_CELLS_OF_SEVERAL", 20)
    [said] = opened(trace(301, causal=True), view="matrix", pool=pool).texts("footer")
    assert ("left out of a mean" in said) == (pool is Pool.MEAN)
    assert ("the largest of its weights" in said) == (pool is Pool.MAX)


def test_a_page_that_is_far_too_large_is_refused_before_it_is_drawn(monkeypatch):
    monkeypatch.setattr("attnviz.renderers.page.page.MOST_TOKENS", 200)
    whole, heard = trace(700), []
    with pytest.raises(AttnvizError, match=r"the page would take 1\.\d MB, and 0\.3 are the most"):
        to_html(whole, select(whole), budget=0.3, report=lambda *done: heard.append(done))
    assert not heard


@pytest.mark.parametrize("rule", [{}, {"causal": True}, {"causal": True, "window": 60}])
@pytest.mark.parametrize("region", [{}, {"queries": "100:500", "keys": "0:300"}])
def test_the_size_of_a_page_is_known_before_it_is_drawn(rule, region, monkeypatch):
    monkeypatch.setattr("attnviz.renderers.page.page.MOST_TOKENS", 200)
    whole = trace(700, **rule)
    selection = select(whole, **region)
    size = len(to_html(whole, selection)) - BARE
    assert 0.5 * estimate(selection.layers) - 20_000 < size < estimate(selection.layers) + 20_000


def test_the_heads_of_a_long_text_that_are_said_to_fit_do(monkeypatch):
    """Of one head there are more cells than of two together."""
    monkeypatch.setattr("attnviz.renderers.page.page.MOST_TOKENS", 200)
    whole = trace(1000)
    assert len(to_html(whole, select(whole, head=["0"]))) > 0.8e6
    with pytest.raises(AttnvizError) as refused:
        to_html(whole, select(whole), budget=0.8)
    assert (refused.value.hint or "").startswith("about 2 heads of one layer fit")
    assert len(to_html(whole, select(whole, head=["0-1"]))) < 0.8e6
