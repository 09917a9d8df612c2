"""JSON and CSV: attend()'s numbers, exactly."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz import Layer, Trace, attend
from attnviz.choices import MapStep, Step
from attnviz.errors import AttnvizError
from attnviz.renderers.data.csv_format import COLUMNS, csv_header, to_csv
from attnviz.renderers.data.json_format import to_json
from attnviz.renderers.data.records import record
from attnviz.trace.selection import LayerSelection, Selection, select
from attnviz.trace.steps import available

STEPS = ("scores", "scaled", "masked", "weights", "output")


def parsed(trace, selection=None, **words):
    return json.loads(to_json(trace, selection or select(trace, **words)), parse_constant=pytest.fail)


def numbers(listed, dtype="float64"):
    """Nested lists as an array, null as −∞."""
    return numpy.array([[-math.inf if cell is None else cell for cell in row] for row in listed], dtype)


def rows_of(trace, **words):
    """The rows of the CSV as dicts."""
    text = csv_header() + to_csv(trace, select(trace, **words))
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_written_with_the_fewest_digits_that_give_them_back(make, dtype):
    trace = make(dtype=dtype)
    words = json.loads(to_json(trace, select(trace)), parse_float=str)["layers"][0]["heads"][0]["query"]
    for listed, values in zip(words, trace.layers[0].query[0], strict=True):
        assert [len(word) for word in listed] == [len(str(value)) for value in values]
        assert [numpy.dtype(dtype).type(word) for word in listed] == list(values)


def test_a_hidden_cell_is_null_and_its_weight_is_zero(traces):
    (head,) = parsed(traces["causal"]())["layers"][0]["heads"]
    assert head["masked"][0][1:] == [None] * 5
    assert head["weights"][0] == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert None not in head["scores"][0]


def test_it_is_one_line(trace):
    text = to_json(trace, select(trace))
    assert text.count(b"\n") == 1
    assert text.endswith(b"}\n")


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


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("name", ["plain", "four heads", "sinusoidal"])
def test_only_the_step_asked_for_is_told(traces, name, step):
    trace = traces[name]()
    if step not in available(trace.layers[0]):
        with pytest.raises(AttnvizError, match=f"there is no {step.value} to show here"):
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


def test_several_layers_are_told_in_their_order():
    array = numpy.eye(2)
    trace = Trace(("a", "b"), tuple(Layer(array, array, array, index=index) for index in (4, 2)))
    assert [layer["layer"] for layer in parsed(trace)["layers"]] == [4, 2]
    assert [layer["layer"] for layer in parsed(trace, layer=["2"])["layers"]] == [2]


@given(token=st.text(max_size=8))
@settings(deadline=None)
def test_any_token_comes_back_from_json(token):
    trace = Trace((token,), (Layer([[1.0]], [[1.0]], [[1.0]]),))
    assert parsed(trace)["tokens"] == list(trace.tokens)


def test_arrays_that_are_not_contiguous_are_written_all_the_same():
    array = numpy.arange(12.0).reshape(3, 4).T[:, ::-1]
    data = parsed(Trace(("a", "b", "c", "d"), (Layer(array, array, array),)))
    assert (numbers(data["layers"][0]["heads"][0]["query"]) == array).all()


def test_half_precision_is_written_as_it_is(make):
    trace = make(dtype="float16")
    listed = parsed(trace)["layers"][0]["heads"][0]["query"]
    assert (numbers(listed, "float16") == trace.layers[0].query[0]).all()


def test_the_record_holds_arrays_not_lists(traces):
    heads = record(traces["plain"](), select(traces["plain"]()))["layers"][0]["heads"]
    assert isinstance(heads[0]["weights"], numpy.ndarray)


def test_csv_has_the_numbers_of_the_json(trace):
    (layer,) = parsed(trace)["layers"]
    names = trace.query_tokens(trace.layers[0]), trace.key_tokens(trace.layers[0])
    count = 0
    for row in rows_of(trace):
        owner = layer if row["head"] == "" else layer["heads"][int(row["head"])]
        table = owner[row["step"]]
        first = row["key"] if row["step"] in ("key", "value") else row["query"]
        second = row["key"] if row["step"] in list(MapStep) else row["dimension"]
        expected = table[int(first)][int(second)]
        assert float(row["value"]) == (-math.inf if expected is None else expected)
        assert row["query_token"] == (names[0][int(row["query"])] if row["query"] else "")
        assert row["key_token"] == (names[1][int(row["key"])] if row["key"] else "")
        count += 1
    tables = [value for key, value in layer.items() if key in list(Step) and key != "projections"]
    tables += [value for head in layer["heads"] for key, value in head.items() if key in list(Step)]
    assert count == sum(len(row) for table in tables for row in table)


def test_the_header_names_every_column():
    assert csv_header().rstrip("\n").split(",") == list(COLUMNS)
    assert csv_header(line=True).split(",")[0] == "line"


def test_a_line_number_comes_first(traces):
    trace = traces["causal"]()
    rows = list(csv.reader(io.StringIO(to_csv(trace, select(trace), 7))))
    assert {row[0] for row in rows} == {"7"}
    assert {len(row) for row in rows} == {len(COLUMNS) + 1}


def test_hidden_cells_are_minus_infinity_in_csv(traces):
    rows = rows_of(traces["causal"](), step=[Step.MASKED])
    assert {row["value"] for row in rows if int(row["key"]) > int(row["query"])} == {"-inf"}


@pytest.mark.parametrize("token", ["=1+1", "+1", "-1", "@x", "=cmd|'/c'!A0", "\t=1", "\r=1"])
def test_no_token_is_a_formula(token):
    for row in rows_of(Trace((token,), (Layer([[1.0]], [[1.0]], [[1.0]]),))):
        for cell in (row["query_token"], row["key_token"]):
            assert not cell.startswith(tuple("=+-@\t\r"))
            assert cell == "" or token.strip() in cell


@given(token=st.text(max_size=6) | st.text("=+-@\t\r\n',\"; |%", max_size=6))
@settings(deadline=None)
def test_any_token_is_one_cell_that_no_spreadsheet_computes(token):
    rows = rows_of(Trace((token,), (Layer([[1.0]], [[1.0]], [[1.0]]),)))
    assert len(rows) == 8
    for row in rows:
        assert None not in row
        assert None not in row.values()
        for cell in (row["query_token"], row["key_token"]):
            assert not cell.lstrip().startswith(tuple("=+-@")), cell
            assert cell.isprintable() or "\u200c" in cell or "\u200d" in cell


@pytest.mark.parametrize(("query", "key"), [(1, None), (None, 2), (1, 2)])
def test_only_the_query_and_the_key_asked_for_are_told(traces, query, key):
    trace = traces["four heads"]()
    words = {name: str(place) for name, place in (("query", query), ("key", key)) if place is not None}
    all_rows, rows = rows_of(trace), rows_of(trace, **words)

    def wanted(row):
        asked = {name: str(place) for name, place in (("query", query), ("key", key)) if place is not None}
        return any(row[name] for name in asked) and all(row[name] in ("", place) for name, place in asked.items())

    assert rows == [row for row in all_rows if wanted(row)]
    assert 0 < len(rows) < len(all_rows)


def test_only_the_heads_asked_for_are_told(traces):
    rows = rows_of(traces["four heads"](), head=["2"], step=[Step.WEIGHTS])
    assert {row["head"] for row in rows} == {"2"}
    assert len(rows) == 36


def test_an_empty_selection_of_steps_tells_the_layer_alone(traces):
    trace = traces["plain"]()
    data = parsed(trace, Selection((LayerSelection(trace.layers[0], (0,)),), steps=()))
    assert "heads" not in data["layers"][0]


def test_rows_and_columns_that_are_left_out_are_cut_and_the_rest_says_where_it_stands(make):
    layer = make(4, 5, heads=2).layers[0]
    trace = Trace(tuple("abcd"), (layer,))
    part = LayerSelection(layer, (0, 1), queries=(1, 3), keys=(0, 2, 4))
    (data,) = json.loads(to_json(trace, Selection((part,))))["layers"]
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
