"""A trace without its special tokens: what is left is exactly what it was."""

from __future__ import annotations

import numpy
import pytest
from numpy.testing import assert_allclose

from attnviz import AttnvizError, Layer, Rule, Trace, load
from attnviz.hiding import without_special

DRAW = numpy.random.default_rng(0)
RULES = {
    "plain": {},
    "causal": {"causal": True},
    "window": {"causal": True, "window": 3},
    "both ways": {"window": 2},
    "sinks": {"causal": True, "sinks": DRAW.normal(size=4)},
    "bias": {"bias": DRAW.normal(size=(4, 8, 8))},
    "padding": {"causal": True, "mask": numpy.arange(8)[None] > 1},
    "offset": {"causal": True, "query_offset": 1},
}


def trace(special, queries=8, keys=8, kind="self", target_special=None, **rule) -> Trace:
    query, key = DRAW.normal(size=(4, queries, 6)), DRAW.normal(size=(2, keys, 6))
    source = {"kind": "model", "ids": list(range(keys)), "special": list(special)}
    name = ""
    if kind == "cross":
        source |= {"target_ids": list(range(queries)), "target_special": list(target_special)}
        name = "cross 0"
    tokens = tuple(f"w{place}" for place in range(keys))
    own = tuple(f"t{place}" for place in range(queries))
    layer = Layer(
        query, key, key + 1, Rule(**rule), name=name, kind=kind, key_tokens=tokens if kind == "cross" else None
    )
    return Trace(own if kind == "cross" else tokens, (layer,), source)


@pytest.mark.parametrize("special", [(0,), (7,), (0, 7), (3,), (0, 1, 4, 7)])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_weights_that_are_left_are_what_they_were(special, rule, tmp_path):
    whole = trace(special, **rule)
    shown, shares = without_special(whole)
    left = [place for place in range(8) if place not in special]
    before = whole.layers[0].steps().weights[:, left]
    assert shown.tokens == tuple(f"w{place}" for place in left)
    assert_allclose(shown.layers[0].steps().weights, before[..., left], atol=1e-12)
    assert_allclose(shown.layers[0].steps(head=3).weights, before[3][:, left], atol=1e-12)
    assert_allclose(shown.layers[0].steps(head=1, query=2).weights[0], before[1][2][left], atol=1e-12)
    assert shares == {"layer 0": pytest.approx(before[..., list(special)].sum(-1).mean())}
    assert shown.source["ids"] == left
    shown.save(tmp_path / "t.safetensors")
    assert_allclose(load(tmp_path / "t.safetensors").layers[0].steps().weights, before[..., left], atol=1e-12)


def test_each_side_of_cross_attention_loses_its_own():
    whole = trace((0, 3), queries=5, keys=4, kind="cross", target_special=(1,))
    shown, _ = without_special(whole)
    assert shown.tokens == ("t0", "t2", "t3", "t4")
    assert shown.layers[0].key_tokens == ("w1", "w2")
    before = whole.layers[0].steps().weights
    assert_allclose(shown.layers[0].steps().weights, before[:, [0, 2, 3, 4]][..., [1, 2]], atol=1e-12)


def test_block_by_block_gives_the_same(monkeypatch):
    whole = trace((0, 5), causal=True, sinks=DRAW.normal(size=4))
    expected = without_special(whole)[0].layers[0].steps().weights
    monkeypatch.setattr("attnviz.rows.CELLS", 8 * 2 * 3)  # three rows of the two heads that share keys
    assert_allclose(without_special(whole)[0].layers[0].steps().weights, expected, atol=1e-12)


def test_a_bias_that_is_cut_is_not_copied():
    assert numpy.shares_memory(
        (whole := trace((0,), **RULES["bias"])).layers[0].rule.bias, without_special(whole)[0].layers[0].rule.bias
    )


def test_nothing_to_hide():
    whole = trace(())
    assert without_special(whole) == (whole, {})


def test_nothing_left():
    with pytest.raises(AttnvizError, match="special tokens alone"):
        without_special(trace(range(8)))
