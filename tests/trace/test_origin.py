"""What a trace says of where it comes from, and what is made of a trace that says nonsense."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from safetensors import safe_open
from strategies import json_values

from attnviz import AttnvizError, Layer, Trace, load, trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.measure import head_metrics
from attnviz.renderers.data.records import record
from attnviz.trace.agreement import Agreement
from attnviz.trace.origin import DEPTH, Fact, Origin, TokenIds, read_origin
from attnviz.trace.selection import select

ARRAY = numpy.ones((2, 3, 4))
TEXTS = ("kind", "tokenizer", "position", "file", "model", "architecture", "dtype", "device", "transformers")
NUMBERS = ("seed", "dim", "projected")
LISTS = ("ids", "special", "target_ids", "target_special", "unread", "unseen")
FACTS = (*TEXTS, *NUMBERS, *LISTS, "agreement")
SAVED = Path(__file__).parent / "saved_by_0_1_0"
TOY = {"kind": "toy", "tokenizer": "word", "seed": 7, "dim": 8, "position": "alibi", "projected": True}
MODEL = {
    "kind": "model",
    "model": "T5ForConditionalGeneration",
    "architecture": "T5ForConditionalGeneration",
    "dtype": "float32",
    "device": "cpu",
    "transformers": "5.24.0",
    "agreement": {
        "largest_error": 1.7932369189566089e-07,
        "checked_queries": 3,
        "errors": {"encoder 0": 1.7932369189566089e-07, "cross 2": 1.0714753528873189e-07},
    },
    "ids": [272, 290, 0],
    "special": [2],
    "target_ids": [0, 272],
    "target_special": [0],
}


def trace(*layers: Layer, **source) -> Trace:
    return Trace(("a", "b", "c"), layers or (Layer(ARRAY, ARRAY, ARRAY),), source)


def stored(path: Path) -> str:
    """What a saved trace says of its source, to the byte."""
    with safe_open(path, framework="numpy") as file:
        said = file.metadata()["trace"]
    return json.dumps(json.loads(said)["source"])


def test_what_a_toy_says_is_read_back():
    source = Origin.of_toy(tokenizer="word", seed=7, dim=8, position="alibi", projected=True)
    assert json.dumps(source) == json.dumps(TOY)
    assert (source.kind, source.tokenizer, source.seed, source.dim) == ("toy", "word", 7, 8)
    assert (source.position, source.projected) == ("alibi", True)


@pytest.mark.parametrize("unread", [(), ("extra", "more")])
def test_what_arrays_say_is_read_back(unread):
    source = Origin.of_arrays("own.npz", unread)
    assert source == {"kind": "arrays", "file": "own.npz"} | ({"unread": list(unread)} if unread else {})
    assert (source.kind, source.file, source.unread) == ("arrays", "own.npz", unread)


def test_what_a_model_says_is_read_back():
    agreement = Agreement(**MODEL["agreement"])
    text, target = TokenIds((272, 290, 0), frozenset({2})), TokenIds((0, 272), frozenset({0}))
    facts = {name: MODEL[name] for name in ("model", "architecture", "dtype", "device", "transformers")}
    source = Origin.of_model(**facts, agreement=agreement, text=text, target=target)
    assert json.dumps(source) == json.dumps(MODEL)
    assert (source.agreement, source.text, source.target, source.unseen) == (agreement, text, target, ())
    assert {name: getattr(source, name) for name in facts} == facts
    hidden = Origin.of_model(**facts, agreement=agreement, unseen=["encoder.N"])
    assert list(hidden) == [*list(MODEL)[:7], "unseen"]
    assert hidden.unseen == ("encoder.N",)
    assert (hidden.text, hidden.target) == (TokenIds(), TokenIds())


def test_a_trace_without_a_source_is_of_arrays():
    source = trace().source
    assert source == {}
    assert (source.kind, source.file, source.model_name, source.exactness) == ("arrays", "", "", "")
    assert source.agreement == Agreement(None, None, {})
    assert isinstance(Origin.kind, Fact)


def test_how_exactly_a_trace_holds_a_model_is_one_line():
    known = trace(model="M", agreement={"largest_error": 2e-7, "errors": {"layer 0": 1e-7}}).source
    assert known.exactness == "M, recomputed to within 2.0e-07 of its own outputs"
    assert known.agreement.errors == {"layer 0": 1e-7}


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_an_error_that_is_no_finite_number_counts_as_unsaid(number):
    said = trace(model="M", agreement={"largest_error": number, "errors": {"layer 0": number, "layer 1": 0.5}}).source
    assert said.agreement == Agreement(None, None, {"layer 1": 0.5})
    assert said.exactness == ""


def test_a_name_is_shown_safely():
    assert trace(model="\x1b[31mM\n").source.model_name == r"\x1b[31mM\n"
    assert len(trace(model="M" * 1000).source.model_name) == 60


@pytest.mark.parametrize(
    ("name", "kind", "queries", "keys"),
    [
        ("", "self", "text", "text"),
        ("encoder 0", "self", "text", "text"),
        ("decoder 0", "self", "target", "target"),
        ("cross 0", "cross", "target", "text"),
        ("vision 0", "self", None, None),
        ("audio 0", "self", None, None),
        ("connector 0", "cross", None, "text"),
    ],
)
def test_each_layer_reads_the_ids_of_its_own_text(name, kind, queries, keys):
    source = trace(ids=[5, 6, 7], special=[0], target_ids=[1, 2, 3], target_special=[1, 2]).source
    sides = {"text": TokenIds((5, 6, 7), frozenset({0})), "target": TokenIds((1, 2, 3), frozenset({1, 2}))}
    layer = Layer(ARRAY, ARRAY, ARRAY, name=name, kind=kind)
    assert source.queries_of(layer) == sides.get(queries, TokenIds())
    assert source.keys_of(layer) == sides.get(keys, TokenIds())


def test_a_decoder_alone_reads_the_text():
    source = trace(ids=[5, 6, 7]).source
    assert source.queries_of(Layer(ARRAY, ARRAY, ARRAY, name="decoder 0")).ids == (5, 6, 7)


def test_ids_are_those_of_as_many_tokens_alone():
    known = TokenIds((5, 6, 7), frozenset({0}))
    assert known.of(3) is known
    assert known.of(2) == TokenIds()


def test_what_holds_for_any_text_leaves_out_what_holds_for_one():
    assert list(read_origin(MODEL).of_any_text()) == list(MODEL)[:6]
    assert read_origin(TOY).of_any_text() == TOY


@pytest.mark.parametrize("fact", FACTS)
@settings(max_examples=40)  # of each fact
@given(value=json_values())
@pytest.mark.some(6)
def test_nonsense_counts_as_unsaid(fact, value):
    try:
        odd = trace(**{"ids": [5, 6, 7], fact: value})
    except AttnvizError:  # a trace takes no such fact at all
        return
    assert all(isinstance(getattr(odd.source, name), str) for name in (*TEXTS, "model_name", "exactness"))
    assert all(isinstance(getattr(odd.source, name), int | None) for name in NUMBERS)
    assert all(isinstance(name, str) for name in (*odd.source.unread, *odd.source.unseen))
    assert isinstance(odd.source.agreement.largest_error, float | None)
    assert all(isinstance(error, float) for error in odd.source.agreement.errors.values())


@pytest.mark.parametrize("fact", ["model", "agreement", *LISTS[:4]])
@settings(max_examples=40)  # of each fact
@given(value=json_values())
@pytest.mark.some(2)
def test_nonsense_is_no_reason_to_fail(fact, value):
    try:
        odd = trace(**{"ids": [5, 6, 7], fact: value})
    except AttnvizError:
        return
    head_metrics(odd, odd.layers[0])
    Statistics().add(odd, select(odd))
    if odd.source.text.special != {0, 1, 2}:
        select(odd, skip_special=True)


@given(st.dictionaries(st.sampled_from(FACTS) | st.text(max_size=4), json_values(), max_size=4))
def test_every_source_survives_as_it_came(tmp_path_factory, source):
    path = tmp_path_factory.getbasetemp() / "odd.safetensors"
    try:
        odd = trace(**{"kind": "toy", **source})
    except AttnvizError:
        return
    said = json.dumps(odd.source)
    odd.save(path)
    assert stored(path) == json.dumps(load(path).source) == said
    assert orjson.dumps(record(odd, select(odd, step=["query"]))["source"]) == orjson.dumps(json.loads(said))


@given(st.lists(st.integers(-9, 9) | st.integers(-(2**62), 2**62)))
def test_special_places_that_are_none_hide_nothing(places):
    left = [place for place in range(3) if place not in places]
    odd = trace(ids=[5, 6, 7], special=places)
    if left:
        assert list(select(odd, skip_special=True).layers[0].key_positions) == left


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], "source is []: expected names and values"),
        ("toy", "source is 'toy': expected names and values"),
        ({"seed": 2**63}, "source holds '9223372036854775808': expected strings, and numbers below 2⁶³"),
        ({"path": SAVED}, f"source holds {str(SAVED)[:40]!r}: expected strings"),
    ],
)
def test_what_json_cannot_hold_is_no_source(source, message):
    with pytest.raises(AttnvizError) as error:
        read_origin(source)
    assert error.value.message.startswith(message)


def nested(levels: int) -> object:
    return [nested(levels - 1)] if levels else 1


def test_what_is_nested_deeper_than_any_writer_takes_is_no_source():
    assert orjson.dumps(read_origin({"deep": nested(DEPTH - 1)}))
    for levels in (DEPTH, DEPTH + 1, 900):
        with pytest.raises(AttnvizError, match="source is nested too deeply"):
            read_origin({"deep": nested(levels + 1)})


def test_lone_surrogates_are_written_out():
    assert read_origin({"mo\udc80": ("\udc80", {1: None})}) == {"mo\\udc80": ["\\udc80", {"1": None}]}


@pytest.mark.parametrize(("name", "source"), [("toy", TOY), ("model", MODEL)])
def test_what_the_version_before_saved_is_loaded_and_saved_again(name, source, tmp_path):
    old, new = load(SAVED / f"{name}.safetensors"), tmp_path / "new.safetensors"
    assert json.dumps(old.source) == json.dumps(source)
    old.save(new)
    assert stored(new) == stored(SAVED / f"{name}.safetensors") == json.dumps(source)
    for ours, theirs in zip(load(new).layers, old.layers, strict=True):
        assert_array_equal(ours.steps().weights, theirs.steps().weights)


def test_a_toy_of_the_version_before_is_what_is_made_today():
    old = load(SAVED / "toy.safetensors")
    new = trace_text("Your journey starts", heads=2, causal=True, position="alibi", seed=7)
    assert (old.tokens, old.source | {"original": "Your journey starts"}) == (new.tokens, new.source)
    (ours,), (theirs,) = old.layers, new.layers
    assert (ours.slopes, ours.rule.causal, ours.name) == (theirs.slopes, True, "toy")
    for name in ("query", "key", "value", "output"):
        assert_array_equal(ours.projections[name].weight, theirs.projections[name].weight)
    for mine, other in zip(ours.steps(), theirs.steps(), strict=True):
        assert_array_equal(mine, other)


def test_a_model_of_the_version_before_keeps_its_sides():
    old = load(SAVED / "model.safetensors")
    encoder, cross = old.layers
    assert old.query_tokens(cross) == ("<|endoftext|>", "Your")
    assert old.key_tokens(cross) == old.tokens == ("Your", "step", "<|endoftext|>")
    assert (old.source.queries_of(cross).ids, old.source.keys_of(cross).ids) == ((0, 272), (272, 290, 0))
    assert old.source.agreement.errors.keys() == {layer.title for layer in old.layers}
    assert encoder.rule.bias.shape == (4, 3, 3)  # by distance, as T5 has it
    assert list(select(old, layer=["cross"], skip_special=True).layers[0].key_positions) == [0, 1]


def test_row_sums_are_read_where_they_are_whole():
    said = {"off": 1, "rows": 4, "layer": "layer 0", "head": 1, "query": 2, "sum": 0.5}
    assert Origin({"row_sums": said}).row_sums == said
    for damaged in (None, 3, [], {}, said | {"off": "1"}, said | {"sum": True}, {"off": 1}):
        assert Origin({"row_sums": damaged}).row_sums == {}


def test_what_is_not_known_of_layers_is_read_back():
    facts = {"model": "m", "architecture": "A", "dtype": "float32", "device": "cpu", "transformers": "5"}
    origin = Origin.of_model(
        **facts, agreement=Agreement(), unprojected=["layer 0", "cross 1"], because={"layer 2": "talking heads"}
    )
    assert read_origin(json.loads(json.dumps(origin))) == origin
    assert (origin.unprojected, origin.because) == (("layer 0", "cross 1"), {"layer 2": "talking heads"})
    layers = [Layer(*[numpy.ones((1, 1, 1))] * 3, index=index) for index in (0, 2)]
    assert origin.without_projection(layers[1:]) == ""
    assert origin.without_projection(layers).startswith("W_O is not known of layer 0: ")
    assert Origin.of_model(**facts, agreement=Agreement()).keys().isdisjoint({"unprojected", "because"})


@pytest.mark.parametrize("said", [None, "layer 0", ["layer 0"], {"layer 0": 1}])
def test_reasons_that_are_none_count_as_unsaid(said):
    assert Origin({"because": said}).because == {}


def test_another_text_that_the_same_model_read_has_its_own_ids_and_agreement_and_all_else_of_the_first():
    first = Origin(MODEL | {"original": "a cat", "pair": "and a dog", "unseen": ["encoder"], "adapter": "lora"})
    before = dict(first)
    other = first.of_other(Agreement(2e-7, 5, {"encoder 0": 2e-7}, 5), TokenIds((7, 8), frozenset({1})))
    assert (other["ids"], other["special"]) == ([7, 8], [1])
    assert other["agreement"] == Agreement(2e-7, 5, {"encoder 0": 2e-7}, 5).facts()
    assert "original" not in other
    assert "pair" not in other
    alike = first.keys() - {"ids", "special", "agreement", "original", "pair"}
    assert other.keys() == alike | {"ids", "special", "agreement"}
    assert all(other[name] == first[name] for name in alike)
    assert dict(first) == before
    assert other.of_text("b").original == "b"
