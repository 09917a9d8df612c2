"""attnviz.trace_weights: what it is given reaches the source, by names that are checked."""

from __future__ import annotations

import numpy
import pytest

import attnviz

WEIGHTS = numpy.tril(numpy.ones((1, 2, 3, 3))) / numpy.arange(1, 4)[:, None]


def test_a_trace_of_weights_is_looked_at_like_any_other(tmp_path):
    trace = attnviz.trace_weights(WEIGHTS, "the cat sat", causal=True)
    assert "weights alone" in str(trace.explain())
    trace.heatmap(tmp_path / "weights.png")
    trace.save(tmp_path / "weights.safetensors")
    assert (attnviz.load(tmp_path / "weights.safetensors").layers[0].weights == WEIGHTS[0]).all()
    assert attnviz.pool(trace.layers[0], cells=2).mean.shape == (2, 2, 2)


def test_what_may_be_seen_and_the_item_are_passed_on():
    batch = numpy.stack([WEIGHTS[0], WEIGHTS[0][::-1]])[None]  # (layers, batch, heads, …)
    mask = numpy.tri(3, dtype=bool).tolist()
    trace = attnviz.trace_weights(batch, item=numpy.int64(1), mask=mask, window=3, query_offset=0)
    [layer] = trace.layers
    assert (layer.rule.window, layer.rule.query_offset, layer.rule.mask.tolist()) == (3, 0, mask)
    cross = attnviz.trace_weights(WEIGHTS, ["a", "b", "c"], key_tokens=["x", "y", "z"], kind="cross")
    assert cross.key_tokens(cross.layers[0]) == ("x", "y", "z")


@pytest.mark.parametrize("item", [1.5, "0", True])
def test_an_item_is_a_whole_number(item):
    with pytest.raises(attnviz.AttnvizError, match="expected a whole number"):
        attnviz.trace_weights(WEIGHTS, item=item)
