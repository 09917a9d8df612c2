"""The record of a trace: attend()'s numbers, of what is selected."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy
import pytest

from attnviz import Layer, Trace, attend, trace_text
from attnviz.analysis.contribution import contribution_norms
from attnviz.choices import USUAL_STEPS, Step
from attnviz.errors import AttnvizError
from attnviz.renderers.data.csv_format import to_csv
from attnviz.renderers.data.json_format import to_json
from attnviz.renderers.data.records import layer_record, record
from attnviz.trace.generation import Generation
from attnviz.trace.selection import LayerSelection, Selection, select
from attnviz.trace.steps import available
from attnviz.trace.summed import summed_contributions
from tests.support.contributions import norms, summed_norms
from tests.support.records import numbers, parsed

STEPS = ("scores", "scaled", "masked", "weights", "output")


def attended(trace):
    layer = trace.layers[0]
    return attend(layer.query, layer.key, layer.value, **vars(layer.rule))


def test_every_number_is_attends_own_number(trace):
    layer, steps = trace.layers[0], attended(trace)
    (data,) = parsed(trace)["layers"]
    assert [head["head"] for head in data["heads"]] == list(range(layer.heads))
    for head in data["heads"]:
        number, kv_head = head["head"], head["kv_head"]
        assert kv_head == number * layer.key.shape[0] // layer.heads
        for step in STEPS:
            expected = getattr(steps, step)[number]
            assert (numbers(head[step], expected.dtype) == expected).all(), step
        for side, array in (
            ("query", layer.query[number]),
            ("key", layer.key[kv_head]),
            ("value", layer.value[kv_head]),
        ):
            assert (numbers(head[side], array.dtype) == array).all()


def test_the_contract_of_one_toy_layer(traces):
    data = parsed(traces["plain"]())
    assert list(data) == ["attnviz", "tokens", "source", "layers"]
    assert data["attnviz"] == 1
    assert data["tokens"] == ["Your", "journey", "starts", "with", "one", "step"]
    assert data["source"]["kind"] == "toy"
    (layer,) = data["layers"]
    assert {name: layer[name] for name in ("layer", "name", "kind", "causal", "window", "softcap")} == {
        "layer": 0, "name": "toy", "kind": "self", "causal": False, "window": None, "softcap": None,
    }  # fmt: skip
    assert layer["scale"] == 1 / math.sqrt(3)
    assert list(layer["heads"][0]) == ["head", "kv_head", "query", "key", "value", *STEPS]


def test_what_is_unknown_is_left_out(traces):
    data = parsed(traces["cross"]())["layers"][0]
    assert not {"embeddings", "positions", "inputs", "projections", "projected", "sinks", "query_offset"} & data.keys()
    assert not {"key_tokens", "concat", "projected", "positions"} & parsed(traces["plain"]())["layers"][0].keys()


def test_what_is_known_of_the_rule_is_told(traces):
    assert parsed(traces["sinks"]())["layers"][0]["sinks"] == [0.5, -1.0]
    assert parsed(traces["cross, causal"]())["layers"][0]["query_offset"] == 3
    assert parsed(traces["window"]())["layers"][0]["window"] == 2
    assert parsed(traces["softcap"]())["layers"][0]["softcap"] == 2.5
    assert parsed(traces["scale 0.3"]())["layers"][0]["scale"] == 0.3


def test_keys_of_their_own_have_their_own_tokens(traces):
    data = parsed(traces["cross"]())
    assert data["tokens"] == ["word0", "word1", "word2"]
    assert data["layers"][0]["key_tokens"] == [f"key{place}" for place in range(5)]


def test_a_layers_own_queries_have_their_own_tokens():
    array = numpy.eye(2)
    data = parsed(Trace(("a",), (Layer(array, array, array, tokens=("b", "c")),)))
    assert data["layers"][0]["query_tokens"] == ["b", "c"]


@pytest.mark.parametrize("name", ["four heads", "rope", "grouped heads", "cross"])
@pytest.mark.parametrize("head", [(), ("1",)])
def test_concat_and_projected_are_of_all_heads(traces, name, head):
    trace = traces[name]()
    layer, output = trace.layers[0], attended(trace).output
    data = parsed(trace, head=head)["layers"][0]
    concat = numpy.concatenate(list(output), axis=-1)
    assert (numbers(data["concat"]) == concat).all()
    assert ("projected" in data) == ("output" in layer.projections)
    if "projected" in data:
        assert numpy.allclose(numbers(data["projected"]), concat @ layer.projections["output"].weight, rtol=1e-14)
    assert len(data["heads"]) == (1 if head else layer.heads)


def test_projections_are_told_whole_with_their_biases(traces):
    for name in ("four heads", "biases"):
        trace = traces[name]()
        data = parsed(trace)["layers"][0]["projections"]
        for side, projection in trace.layers[0].projections.items():
            assert (numbers(data[side]["weight"]) == projection.weight).all()
            assert ("bias" in data[side]) == (projection.bias is not None)


def test_positions_and_inputs_are_told_where_there_are_positions(traces):
    trace = traces["sinusoidal"]()
    data, layer = parsed(trace)["layers"][0], trace.layers[0]
    assert (numbers(data["positions"]) == layer.positions).all()
    assert (numbers(data["inputs"]) == layer.embeddings + layer.positions).all()


@pytest.mark.parametrize("step", USUAL_STEPS)
@pytest.mark.parametrize("name", ["plain", "four heads", "sinusoidal"])
def test_only_the_step_asked_for_is_told(traces, name, step):
    trace = traces[name]()
    if step not in available(trace.layers[0]):
        with pytest.raises(AttnvizError, match=f"there is nothing to show for {step.value}"):
            parsed(trace, step=[step])
        return
    whole, part = parsed(trace)["layers"][0], parsed(trace, step=[step])["layers"][0]
    known = {one.value for one in Step}
    told = known & (part.keys() | {key for head in part.get("heads", ()) for key in head})
    everything = known & (whole.keys() | {key for head in whole["heads"] for key in head})
    assert told == {step.value} & everything
    if step.value in part:
        assert part[step.value] == whole[step.value]
    for head, all_of_it in zip(part.get("heads", ()), whole["heads"], strict=False):
        assert all(all_of_it[key] == value for key, value in head.items())


def test_contributions_are_told_where_they_are_asked_for(traces):
    trace = traces["four heads"]()
    assert "contribution" not in parsed(trace)["layers"][0]["heads"][0]
    heads = parsed(trace, step=["weights", "contribution"])["layers"][0]["heads"]
    for head, expected in zip(heads, norms(trace.layers[0]), strict=True):
        numpy.testing.assert_allclose(numbers(head["contribution"]), expected, rtol=1e-6)
        assert list(head) == ["head", "kv_head", "weights", "contribution"]


@pytest.mark.parametrize("words", [{}, {"query": "@1200"}, {"key": "@1200"}, {"query": "@1200", "key": "@3"}])
def test_contributions_of_a_long_text_are_those_of_all_of_it(words):
    trace = trace_text(" ".join(map(str, range(1300))), heads=2, causal=True)
    layer = trace.layers[0]
    selected = select(trace, head=["1"], step=["contribution"], **words).layers[0]
    if "query" in words:
        selected = selected._replace(queries=(1200,))
    elif words:
        selected = selected._replace(keys=(1200,))
    [head] = layer_record(trace, selected, (Step.CONTRIBUTION,))["heads"]
    expected = contribution_norms(layer, 1)
    rows, keys = (1200 if "query" in words else slice(None)), (1200 if words == {"key": "@1200"} else slice(None))
    numpy.testing.assert_allclose(head["contribution"].squeeze(), expected[rows][..., keys].squeeze(), atol=1e-12)


def test_what_all_heads_bring_together_is_told_of_the_layer(traces):
    trace = traces["four heads"]()
    layer = parsed(trace, step=["summed"])["layers"][0]
    numpy.testing.assert_allclose(numbers(layer["summed"]), summed_norms(trace.layers[0]), rtol=1e-6)
    assert "summed" not in parsed(trace)["layers"][0]


@pytest.mark.parametrize("words", [{"query": "@1200"}, {"key": "@1200"}])
def test_of_a_long_text_one_query_or_key_of_all_heads_together_is_that_of_all_of_it(words):
    layer = trace_text(" ".join(map(str, range(1300))), heads=2, causal=True).layers[0]
    trace = Trace(tuple(map(str, range(1300))), (layer,))
    part = {"queries": (1200,)} if "query" in words else {"keys": (1200,)}
    selected = select(trace, step=["summed"], **words).layers[0]._replace(**part)
    found = layer_record(trace, selected, (Step.SUMMED,))["summed"]
    places = numpy.ix_(*(part.get(side, range(1300)) for side in ("queries", "keys")))
    assert found.shape == (len(part.get("queries", range(1300))), len(part.get("keys", range(1300))))
    numpy.testing.assert_allclose(found, summed_contributions(layer)[places], atol=1e-12)


def test_several_layers_are_told_in_their_order():
    array = numpy.eye(2)
    trace = Trace(("a", "b"), tuple(Layer(array, array, array, index=index) for index in (4, 2)))
    assert [layer["layer"] for layer in parsed(trace)["layers"]] == [4, 2]
    assert [layer["layer"] for layer in parsed(trace, layer=["2"])["layers"]] == [2]


def test_the_record_holds_arrays_not_lists(traces):
    heads = record(traces["plain"](), select(traces["plain"]()))["layers"][0]["heads"]
    assert isinstance(heads[0]["weights"], numpy.ndarray)


def test_an_empty_selection_of_steps_tells_the_layer_alone(traces):
    trace = traces["plain"]()
    data = parsed(trace, Selection((LayerSelection(trace.layers[0], (0,)),), steps=()))
    assert "heads" not in data["layers"][0]


def test_rows_and_columns_that_are_left_out_are_cut_and_the_rest_says_where_it_stands(make):
    layer = make(4, 5, heads=2).layers[0]
    trace = Trace(tuple("abcd"), (layer,))
    part = LayerSelection(layer, (0, 1), queries=(1, 3), keys=(0, 2, 4))
    (data,) = json.loads(b"".join(to_json(trace, Selection((part,)))))["layers"]
    assert (data["query_tokens"], data["query_positions"]) == (["b", "d"], [1, 3])
    assert (data["key_tokens"], data["key_positions"]) == (["key0", "key2", "key4"], [0, 2, 4])
    (whole,) = parsed(trace)["layers"]
    assert not {"query_tokens", "query_positions", "key_positions"} & whole.keys()
    for ours, theirs in zip(data["heads"], whole["heads"], strict=True):
        assert ours["weights"] == [[theirs["weights"][row][column] for column in (0, 2, 4)] for row in (1, 3)]
        assert ours["value"] == [theirs["value"][row] for row in (0, 2, 4)]
        assert ours["output"] == [theirs["output"][row] for row in (1, 3)]
    assert data["concat"] == [whole["concat"][row] for row in (1, 3)]
    cut = [line.split(",") for line in to_csv(trace, Selection((part,))).splitlines()]
    full = [line.split(",") for line in to_csv(trace, select(trace)).splitlines()]
    assert cut == [row for row in full if row[3] in ("", "1", "3") and row[4] in ("", "0", "2", "4")]


def test_keys_have_tokens_of_their_own_only_where_they_are_not_those_of_the_queries():
    array = numpy.eye(3)
    source = {"ids": [7, 8, 9], "special": [0]}
    trace = Trace(("<s>", "a", "b"), (Layer(array, array, array),), source)
    names = ("query_tokens", "query_positions", "key_tokens", "key_positions")

    def told(trace, **words):
        (data,) = record(trace, select(trace, skip_special=True, **words))["layers"]
        return {name: list(data[name]) for name in names if name in data}

    assert told(trace) == {"query_tokens": ["a", "b"], "query_positions": [1, 2], "key_positions": [1, 2]}
    assert told(trace, query="<s>")["key_tokens"] == ["a", "b"]
    cross = Trace(trace.tokens, (Layer(array, array, array, key_tokens=("x", "y", "z")),), source)
    assert told(cross)["key_tokens"][-2:] == ["y", "z"]


@pytest.mark.parametrize("step", ["weights", "output"])
def test_one_query_of_a_long_text_is_computed_alone_and_is_attends_own(step):
    array = numpy.random.default_rng(0).normal(size=(2, 1100, 2))
    trace = Trace(tuple(map(str, range(1100))), (Layer(array, array, array),))
    layer = trace.layers[0]
    selected = LayerSelection(layer, (1,), region=(range(3, 5), range(1100)), queries=(3, 4))
    data = layer_record(trace, selected, (Step(step),))
    expected = getattr(attend(array, array, array), step)[1, 3:5]
    numpy.testing.assert_allclose(data["heads"][0][step], expected, rtol=1e-9)


@pytest.mark.parametrize("steps", [("weights", "scores", "key"), ("key",)])
def test_one_key_of_a_long_text_is_told_of_by_all_queries(steps):
    array = numpy.random.default_rng(0).normal(size=(2, 1100, 2))
    trace = Trace(tuple(map(str, range(1100))), (Layer(array, array, array),))
    selected = LayerSelection(trace.layers[0], (0, 1), key=7, keys=(7,))
    data = layer_record(trace, selected, tuple(map(Step, steps)))
    whole = attend(array, array, array)
    for head, told in enumerate(data["heads"]):
        assert set(told) - {"head", "kv_head"} == set(steps)
        assert (told["key"] == array[head, 7:8]).all()
        for step in set(steps) - {"key"}:
            numpy.testing.assert_allclose(told[step], getattr(whole, step)[head][:, 7:8], rtol=1e-5)


def test_what_was_written_and_predicted_is_told_where_it_is_known():
    plain = trace_text("a b")
    assert (
        not {"generated", "chosen", "predictions", "prompt", "text", "probabilities"}
        & record(plain, select(plain)).keys()
    )
    wrote = replace(plain, generation=Generation(("c", "d"), (0.5, 1.0), "a", "b c d"), predictions=[(), [("c", 0.5)]])
    told = record(wrote, select(wrote))
    assert (told["prompt"], told["text"], told["generated"], told["chosen"]) == ("a", "b c d", 2, ("c", "d"))
    assert (told["probabilities"], told["predictions"]) == ((0.5, 1.0), ((), (("c", 0.5),)))
    bare = replace(plain, generation=Generation(("c",)))
    assert record(bare, select(bare)).keys() - record(plain, select(plain)).keys() == {"generated", "chosen"}
