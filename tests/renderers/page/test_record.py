"""What a page knows beside its arrays."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy
import pytest
from made_roles import made_role
from random_traces import long_trace, random_trace, unnamed_trace

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.analysis.measure import head_metrics
from attnviz.analysis.metrics import Metric
from attnviz.analysis.named_heads import named_heads
from attnviz.choices import Language
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.levels import FINE_LEVELS, LEVELS
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.page.packing import Part, pack_parts
from attnviz.renderers.page.pooled_maps import pool_layers
from attnviz.renderers.page.record import make_record
from attnviz.renderers.shared.head_names import number
from attnviz.trace.generation import Generation
from attnviz.trace.selection import select


def record_of(trace, language=Language.EN, error=None, **selected):
    """The record of a page as it is written and read, and the arrays that it speaks of."""
    parts, blobs = [Part(one, Form.EXACT) for one in select(trace, **selected).layers], Blobs()
    packed = pack_parts(parts)
    if error is not None:
        packed = [part._replace(error=error) for part in packed]
    record = make_record(trace, parts, packed, language, blobs)
    return json.loads(json.dumps(record, allow_nan=False)), blobs


def pooled_record_of(trace, **selected):
    layers = select(trace, **selected).layers
    pooled = pool_layers(layers)
    parts, packed = [Part(one, Form.POOLED) for one in layers], [one.packed for one in pooled]
    return make_record(trace, parts, packed, Language.EN, Blobs(), pooled=dict(enumerate(pooled)))


def test_a_layer_says_its_rule():
    draw = numpy.random.default_rng(0)
    rule = Rule(0.25, True, 2, 3, 5.0, numpy.ones((2, 4), bool), numpy.zeros((2, 4)), numpy.ones(4))
    arrays = (draw.standard_normal((heads, tokens, 8)) for heads, tokens in ((4, 2), (2, 4), (2, 4)))
    trace = Trace(("a", "b"), (Layer(*arrays, rule, index=7, key_tokens=tuple("wxyz")),))
    [said] = record_of(trace, head=["3", "0"])[0]["layers"]
    expected = {
        "title": "layer 7",
        "index": 7,
        "heads": [3, 0],
        "levelCount": LEVELS,
        "kvHeads": [1, 0],
        "kvIndices": [0, 1],
        "grouped": True,
        "dimension": 8,
        "apart": True,
        "scale": 0.25,
        "givenScale": True,
        "causal": True,
        "window": 3,
        "softcap": 5.0,
        "offset": 2,
        "hasMask": True,
        "hasBias": True,
        "hasSinks": True,
        "slopes": None,
    }
    assert {name: said[name] for name in expected} == expected


def test_what_a_rule_leaves_out_is_said_too():
    [said] = record_of(trace_text("a b"))[0]["layers"]
    absent = {
        name: said[name] for name in ("givenScale", "causal", "window", "softcap", "hasMask", "hasBias", "hasSinks")
    }
    assert not any(absent.values())
    assert (said["scale"], said["offset"]) == (pytest.approx(3**-0.5), 0)


def test_the_arrays_are_those_of_the_selected_heads():
    record, blobs = record_of(random_trace(2, 3, 4, 8), layer=["1"], head=["2"])
    [said] = record["layers"]
    content = list(blobs.by_digest.values())[said["query"]["blob"]]
    assert said["query"] | {"blob": 0} == {"blob": 0, "type": "float32", "shape": [1, 4, 8]}
    assert content == random_trace(2, 3, 4, 8).layers[1].query[2].tobytes()


def test_the_metrics_are_those_of_stats_and_nothing_where_there_is_no_answer():
    trace = trace_text("a b a b", heads=2, causal=True)
    trace = Trace(trace.tokens, trace.layers, trace.source | {"ids": [1, 2, 1, 2]})
    [said] = record_of(trace)[0]["layers"]
    for metric in (Metric.ENTROPY, Metric.FIRST, Metric.PREVIOUS, Metric.INDUCTION):
        expected = head_metrics(trace, trace.layers[0])[metric].tolist()
        assert said["metrics"][metric.value] == pytest.approx(expected, abs=1e-4)
    [said] = record_of(trace_text("a b", heads=2))[0]["layers"]
    assert said["metrics"]["induction"] == [None, None]


def test_the_slopes_of_alibi_are_those_of_the_selected_heads():
    trace = trace_text("a b", heads=4, position="alibi")
    [said] = record_of(trace, head=["3", "1"])[0]["layers"]
    assert said["slopes"] == [trace.layers[0].slopes[head] for head in (3, 1)]


def test_the_error_is_never_said_to_be_less_than_it_is():
    for error in (0.0, 1e-9, 0.00123, 0.0019999, 1.0):
        said = record_of(trace_text("a"), error=error)[0]["layers"][0]["error"]
        assert error <= said <= error * 1.1
        assert said == pytest.approx(float(f"{said:.1e}"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({}, ""),
        ({"model": "m"}, "m"),
        (
            {"model": "m", "agreement": {"largest_error": 2e-6}},
            "m, recomputed to within 2.0e-06 of its own outputs",
        ),
    ],
)
def test_a_model_is_said_and_how_near_it_is(source, expected):
    assert record_of(Trace(("a",), random_trace(1, 1, 1, 2).layers, source))[0]["source"] == expected


def test_the_last_choice_of_a_model_is_told():
    layers = random_trace(1, 1, 1, 2).layers
    assert "choice" not in record_of(Trace(("a",), layers))[0]
    trace = Trace(("a",), layers, generation=Generation(("b c",), (0.41,)))
    assert record_of(trace)[0]["choice"] == {"token": "b·c", "share": " (41 %)"}


def test_special_tokens_are_those_of_their_side(several):
    record = record_of(several)[0]
    assert [texts["special"] for texts in record["texts"]] == [[0]]
    assert record["special"]
    assert not record_of(several, skip_special=True)[0]["special"]


def test_a_region_says_which_it_is():
    record = pooled_record_of(long_trace(50), query="10:14", key="3:6")
    assert (record["region"], record["layers"][0]["pooled"], record["pool"]) == (
        "queries 10–13, keys 3–5",
        None,
        "mean",
    )
    assert record["heading"] == ["…", "w10", "w11", "w12", "w13"]
    [said] = record["layers"]
    assert (said["levelCount"], said["apart"]) == (FINE_LEVELS, True)
    assert said["metrics"]["previous"] == [None] * 4


def test_a_file_is_what_unnamed_arrays_are_called():
    assert record_of(unnamed_trace(3, file="my dump.npz"))[0]["heading"] == ["my dump.npz"]
    assert record_of(long_trace(3))[0]["heading"] is None


def test_heads_of_a_model_have_the_names_that_they_have_earned():
    made = trace_text("a b c d e f g h " * 3, heads=4)
    trace = Trace(made.tokens, made.layers, {"kind": "model"})
    found = named_heads(trace, trace.layers[0], range(4))
    named = {
        str(head): [[one.name.value, number(one.value)] for one in names] for head, names in found.items() if names
    }
    assert named
    assert record_of(trace)[0]["layers"][0]["names"] == named
    assert "names" not in record_of(made)[0]["layers"][0]


def test_heads_wear_their_roles_in_every_form():
    trace = replace(random_trace(2, 3, 4, 8), roles=(made_role(layer=1, head=2),))
    assert [list(worn) for worn in record_of(trace)[0]["roles"]] == [[], ["2"]]
    assert "roles" not in record_of(random_trace(2, 3, 4, 8))[0]
    assert "cú pháp" in record_of(trace, Language.VI)[0]["roles"][1]["2"]["name"]
    assert list(pooled_record_of(trace)["roles"][1]) == [2]


def test_the_parts_of_a_layer_say_of_which_it_is_and_in_which_form():
    trace = random_trace(2, 3, 12, 8)
    first, second = select(trace).layers
    parts = [
        Part(first._replace(heads=(1,)), Form.SHORT),
        Part(first._replace(heads=(0, 2)), Form.POOLED),
        Part(second, Form.WEIGHTS),
    ]
    pooled = pool_layers([parts[1].selected], Limits(cells_of_several=4))
    short, weights = pack_parts([parts[0], parts[2]])
    record = make_record(trace, parts, [short, pooled[0].packed, weights], Language.EN, Blobs(), pooled={1: pooled[0]})
    said = record["layers"]
    assert [(part["of"], part["form"], part["heads"]) for part in said] == [
        (0, "int16", [1]),
        (0, "pooled", [0, 2]),
        (1, "weights", [0, 1, 2]),
    ]
    assert ["errors" in part for part in said] == [True, False, False]
    assert said[0]["errors"]["scores"] >= short.errors.scores
    assert [len(record["texts"][part["queryTexts"]]["labels"]) for part in said] == [12, 4, 12]
    assert [part["metrics"]["previous"][0] is None for part in said] == [False, True, False]
    assert record["heading"] is not None
