"""explain as data: the JSON contract, the CSV that says the same, Markdown."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
from command_line import attnviz as run
from command_line import done

import attnviz

TEXT = "Your journey starts with one step"
MAPS = ("scores", "scaled", "masked", "weights")
STEPS = (*MAPS, "output")
RULES = {
    "plain": {},
    "causal": {"causal": True},
    "window": {"window": 2, "causal": True},
    "softcap": {"softcap": 1.5},
    "scale": {"scale": 0.1},
}


def read(*arguments: Any) -> dict[str, Any]:
    return json.loads(done("explain", *arguments, "--format", "json").stdout)


def options(rule: dict[str, Any]) -> list[str]:
    return [
        word for name, value in rule.items() for word in ([f"--{name}"] if value is True else [f"--{name}", str(value)])
    ]


def array(rows: list[list[float | None]]) -> numpy.ndarray:
    return numpy.array([[-math.inf if value is None else value for value in row] for row in rows])


def save_cross(folder) -> str:
    """Two query heads, one key head, two queries, three keys."""
    random = numpy.random.default_rng(5)
    arrays = {
        "query": random.normal(size=(2, 2, 3)),
        "key": random.normal(size=(3, 3)),
        "value": random.normal(size=(3, 2)),
    }
    numpy.savez(folder / "cross.npz", **arrays, sinks=numpy.array([0.5, -1.0]))
    return "cross.npz"


# JSON


def test_the_keys_of_the_contract():
    content = read(TEXT)
    assert list(content) == ["attnviz", "tokens", "source", "layers"]
    assert content["attnviz"] == 1
    assert content["tokens"] == TEXT.split()
    assert content["source"]["kind"] == "toy"
    (layer,) = content["layers"]
    names = {"layer", "name", "kind", "causal", "scale", "window", "softcap", "embeddings", "heads"}
    assert set(layer) == names
    assert [layer[name] for name in ("layer", "kind", "causal", "window", "softcap")] == [0, "self", False, None, None]
    assert layer["scale"] == 1 / math.sqrt(3)
    (head,) = layer["heads"]
    assert list(head) == ["head", "kv_head", "query", "key", "value", *STEPS]
    assert head["query"] == head["key"] == head["value"] == layer["embeddings"]
    assert layer["embeddings"][0] == [0.4, 0.1, 0.8]


def test_several_heads_add_projections_concat_and_projected():
    (layer,) = read(TEXT, "--heads", 3, "--dim", 6)["layers"]
    assert [head["head"] for head in layer["heads"]] == [0, 1, 2]
    concat = numpy.concatenate([array(head["output"]) for head in layer["heads"]], axis=1)
    assert numpy.array_equal(array(layer["concat"]), concat)
    weights = {name: array(one["weight"]) for name, one in layer["projections"].items()}
    assert list(weights) == ["query", "key", "value", "output"]
    numpy.testing.assert_allclose(array(layer["projected"]), concat @ weights["output"], rtol=1e-14, atol=1e-14)
    query = array(layer["embeddings"]) @ weights["query"]
    numpy.testing.assert_allclose(array(layer["heads"][1]["query"]), query[:, 2:4], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("heads", [1, 2])
def test_every_number_is_the_one_that_attend_computes(rule, heads):
    (layer,) = read(TEXT, "--heads", heads, *options(rule))["layers"]
    for head in layer["heads"]:
        steps = attnviz.attend(*(array(head[name]) for name in ("query", "key", "value")), **rule)
        for step in STEPS:
            assert numpy.array_equal(array(head[step]), getattr(steps, step)), step
    assert layer["scale"] == rule.get("scale", 1 / math.sqrt(len(layer["heads"][0]["query"][0])))
    assert [layer[name] for name in ("causal", "window", "softcap")] == [
        rule.get("causal", False), rule.get("window"), rule.get("softcap"),
    ]  # fmt: skip


def test_numbers_have_full_precision():
    text = done("explain", TEXT, "--heads", 2, "--format", "json").text
    words = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", text)
    assert max(map(len, words)) >= 19
    assert [word for word in words if float(repr(float(word))) != float(word)] == []
    weights = attnviz.trace_text(TEXT, heads=2).layers[0].steps(1).weights
    assert json.loads(text)["layers"][0]["heads"][1]["weights"] == weights.tolist()


def test_single_precision_is_written_so_that_it_can_be_read_back():
    (layer,) = read(TEXT, "--dtype", "float32")["layers"]
    (head,) = layer["heads"]
    steps = attnviz.attend(*(array(head[name]).astype("float32") for name in ("query", "key", "value")))
    for step in STEPS:
        assert numpy.array_equal(array(head[step]).astype("float32"), getattr(steps, step)), step


def test_a_hidden_cell_is_null_before_softmax_and_zero_after_it():
    (head,) = read("a b c", "--causal")["layers"][0]["heads"]
    hidden = [[value is None for value in row] for row in head["masked"]]
    assert hidden == [[False, True, True], [False, False, True], [False, False, False]]
    assert head["weights"][0] == [1.0, 0.0, 0.0]
    assert not any(None in row for row in head["scaled"])


def test_a_step_leaves_the_others_out():
    (layer,) = read(TEXT, "--heads", 2, "--step", "weights", "--step", "query")["layers"]
    assert set(layer) == {"layer", "name", "kind", "causal", "scale", "window", "softcap", "heads"}
    assert [list(head) for head in layer["heads"]] == [["head", "kv_head", "query", "weights"]] * 2


@pytest.mark.parametrize("step", ["embeddings", "concat", "projected"])
def test_a_step_of_the_whole_layer_needs_no_head_of_its_own(step):
    (layer,) = read(TEXT, "--heads", 2, "--step", step)["layers"]
    assert set(layer) & {"embeddings", "projections", "concat", "projected"} == {step}
    assert all(set(head) == {"head", "kv_head"} for head in layer.get("heads", ()))


def test_a_head_that_is_picked_comes_alone_and_concat_still_holds_all():
    (layer,) = read(TEXT, "--heads", 4, "--head", 2)["layers"]
    assert [head["head"] for head in layer["heads"]] == [2]
    assert len(layer["concat"][0]) == 16
    assert array(layer["concat"])[:, 8:12].tolist() == layer["heads"][0]["output"]


def test_positions_and_inputs_stand_beside_the_embeddings():
    (layer,) = read(TEXT, "--position", "sinusoidal")["layers"]
    inputs = array(layer["embeddings"]) + array(layer["positions"])
    assert numpy.array_equal(array(layer["inputs"]), inputs)
    assert layer["heads"][0]["query"] == layer["inputs"]


def test_key_tokens_are_named_where_they_are_others_and_grouped_heads_name_theirs(folder):
    content = read("--from", save_cross(folder))
    (layer,) = content["layers"]
    assert (content["tokens"], layer["key_tokens"]) == (["q0", "q1"], ["k0", "k1", "k2"])
    assert [head["kv_head"] for head in layer["heads"]] == [0, 0]
    assert layer["sinks"] == [0.5, -1.0]
    assert numpy.array(layer["heads"][0]["weights"]).shape == (2, 3)
    assert "embeddings" not in layer
    assert "projected" not in layer


def test_the_offset_stands_in_the_json_where_it_is_given(folder):
    (layer,) = read("--from", save_cross(folder), "--causal", "--query-offset", 1)["layers"]
    assert (layer["causal"], layer["query_offset"]) == (True, 1)
    assert [value is None for value in layer["heads"][0]["masked"][0]] == [False, False, True]


def test_the_textbook_example_without_scale():
    output = read("Your journey starts", "--no-scale")["layers"][0]["heads"][0]["output"]
    assert numpy.round(output, 4).tolist() == [
        [0.4655, 0.5588, 0.6689], [0.4766, 0.6359, 0.6469], [0.4766, 0.6359, 0.6469],
    ]  # fmt: skip


def test_the_seed_changes_the_numbers_and_one_seed_never_does():
    first, again, other = (done("explain", "a b", "--seed", seed, "--format", "json").stdout for seed in (1, 1, 2))
    assert first == again != other


# CSV


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def expected_rows(content: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """What the CSV must say of a JSON object, a row for each number."""
    for layer in content["layers"]:
        for head in [layer, *layer["heads"]]:
            for step, matrix in head.items():
                if step in ("heads", "projections") or not isinstance(matrix, list) or not isinstance(matrix[0], list):
                    continue
                for row, values in enumerate(matrix):
                    for column, value in enumerate(values):
                        place = {
                            "query": "" if step in ("key", "value") else row,
                            "key": column if step in MAPS else row if step in ("key", "value") else "",
                            "dimension": "" if step in MAPS else column,
                        }
                        number = "-inf" if value is None else repr(value)
                        yield tuple(map(str, (layer["layer"], head.get("head", ""), step, *place.values(), number)))


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--heads", 2, "--causal"),
        ("--position", "sinusoidal"),
        ("--heads", 2, "--step", "projected"),
        ("--head", 0),
    ],
)
def test_the_csv_says_what_the_json_says(arguments):
    text = done("explain", TEXT, *arguments, "--format", "csv").text
    assert text.splitlines()[0] == "layer,head,step,query,key,value,dimension,query_token,key_token"
    said = [
        tuple(row[name] for name in ("layer", "head", "step", "query", "key", "dimension", "value"))
        for row in rows_of(text)
    ]
    assert sorted(said) == sorted(expected_rows(read(TEXT, *arguments)))


def test_every_row_of_the_csv_names_its_tokens(folder):
    rows = rows_of(done("explain", "--from", save_cross(folder), "--format", "csv").text)
    assert len(rows) > 50
    for row in rows:
        assert row["query_token"] == (f"q{row['query']}" if row["query"] else "")
        assert row["key_token"] == (f"k{row['key']}" if row["key"] else "")


@pytest.mark.parametrize(
    ("side", "token", "step", "other"), [("query", "one", "value", "key"), ("key", "step", "output", "query")]
)
def test_a_csv_that_would_hold_nothing_is_refused(side, token, step, other):
    result = run("explain", TEXT, f"--{side}", token, "--step", step, "--format", "csv")
    assert (result.code, result.stdout) == (2, b"")
    assert f"--{side} chooses rows, and {step} has no rows for a {side}" in result.stderr
    assert f"use --{other}" in result.stderr


def test_the_csv_of_a_query_and_a_key_holds_their_rows_alone():
    rows = rows_of(done("explain", TEXT, "--query", "one", "--key", "step", "--format", "csv").text)
    assert {row["query_token"] for row in rows} == {"one", ""}
    assert {row["key_token"] for row in rows} == {"step", ""}
    assert len([row for row in rows if row["step"] == "weights"]) == 1


# Markdown


@pytest.mark.parametrize("options", [(), ("--heads", 2, "--causal"), ("--max-tokens", 3), ("--lang", "vi", "--quiet")])
def test_every_row_of_a_markdown_table_has_as_many_cells(options):
    text = done("explain", "Your | journey \\ starts `with` one_step $5$", *options, "--format", "markdown").text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) >= 5
    for header, rule, *rows in tables:
        assert re.fullmatch(r"\|:---\|(---:\|)+", rule)
        assert {len(re.findall(r"(?<!\\)\|", re.sub(r"\\\\", "", row))) for row in (header, *rows)} == {rule.count("|")}


def test_markdown_has_the_numbers_of_the_table():
    table, markdown = (done("explain", TEXT, "--quiet", "--format", form).text for form in ("table", "markdown"))
    assert re.findall(r"-?\d+\.\d+", table) == re.findall(r"-?\d+\.\d+", markdown)


def test_the_arithmetic_is_a_block_of_code_in_markdown():
    text = done("explain", TEXT, "--query", "one", "--key", "step", "--format", "markdown").text
    (block,) = [block for block in text.split("\n\n") if "e^" in block]
    assert all(line.startswith("    ") for line in block.rstrip("\n").split("\n"))
