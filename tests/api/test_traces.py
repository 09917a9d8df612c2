"""The public calls that make a trace without a model: of a text, of arrays in memory, of a file."""

from __future__ import annotations

import json

import numpy
import pytest
from command_line import attnviz as run

import attnviz
from attnviz import AttnvizError, Rule, attend, load, trace_arrays, trace_text

TEXT = "Your journey starts"
TRACE = trace_text(TEXT, heads=2, causal=True)
NUMBERS = numpy.random.default_rng(0)
QUERY, KEY, VALUE = (NUMBERS.standard_normal((2, 3, 4)) for _ in range(3))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_trace_text_is_what_the_command_line_traces():
    options = {"heads": 2, "causal": True, "seed": 3, "position": "alibi", "window": 2, "softcap": 5.0, "scale": 0.5}
    words = [
        word
        for name, value in options.items()
        for word in ([f"--{name}"] if value is True else [f"--{name}", str(value)])
    ]
    [head, _] = json.loads(run("explain", TEXT, "--format", "json", *words).stdout)["layers"][0]["heads"]
    steps = trace_text(TEXT, **options).layers[0].steps()
    assert numpy.array_equal(head["weights"], steps.weights[0])
    assert numpy.array_equal(head["output"], steps.output[0])


def test_trace_text_holds_what_attend_takes():
    [layer] = trace_text(TEXT, heads=2, dim=6, project=True, tokenizer="char").layers
    steps = attend(layer.query, layer.key, layer.value)
    assert numpy.allclose(steps.weights, layer.steps().weights)
    assert layer.query.shape == (2, len(TEXT), 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": 0}, "0 heads: there must be at least 1"),
        ({"tokenizer": "wrd"}, "tokenizer is 'wrd': .*word, char, byte, whitespace"),
        ({"position": "rop"}, "position is 'rop': .*none, sinusoidal, rope, alibi"),
        ({"heads": 2, "dim": 3}, "2 heads"),
    ],
)
def test_trace_text_says_what_it_cannot_do(options, message):
    with pytest.raises(AttnvizError, match=message):
        trace_text(TEXT, **options)


def test_load_reads_a_saved_trace_and_arrays(folder):
    TRACE.save(folder / "t.safetensors")
    again = load(folder / "t.safetensors")
    assert (again.tokens, again.layers[0].heads) == (TRACE.tokens, 2)
    numpy.savez(folder / "a.npz", query=numpy.eye(3), key=numpy.eye(3), value=numpy.eye(3))
    assert numpy.array_equal(load(str(folder / "a.npz")).layers[0].query[0], numpy.eye(3))


WORDS = {"Your": [0.4, 0.1], "journey": [0.5, 0.8], "starts": [0.1, 0.6]}
MATRICES = {name: NUMBERS.standard_normal((2, 4)) for name in ("W_Q", "W_K", "W_V")} | {
    "b_Q": NUMBERS.standard_normal(4)
}


def test_own_vectors_and_matrices_are_those_of_their_files(folder):
    (folder / "words.json").write_text(json.dumps(WORDS))
    numpy.savez(folder / "weights.npz", **MATRICES)
    options = ("--embeddings", "words.json", "--weights", "weights.npz", "--heads", 2, "--format", "json")
    printed = run("explain", TEXT, *options).text
    rows = numpy.array([*WORDS.values()])
    for embeddings in (WORDS, {word.upper(): numpy.array(row) for word, row in WORDS.items()}, rows, "words.json"):
        for weights in (MATRICES, folder / "weights.npz"):
            trace = trace_text(TEXT, heads=2, embeddings=embeddings, weights=weights)
            [layer] = trace.layers
            [told] = json.loads(printed)["layers"]
            assert numpy.array_equal([head["weights"] for head in told["heads"]], layer.steps().weights)
            assert numpy.allclose(
                layer.query, (rows @ MATRICES["W_Q"] + MATRICES["b_Q"]).reshape(3, 2, 2).swapaxes(0, 1)
            )


def test_the_state_of_a_module_of_torch_is_read_as_it_is():
    import torch

    module = torch.nn.MultiheadAttention(4, 2, batch_first=True).double()
    rows = torch.tensor(NUMBERS.standard_normal((3, 4)))
    expected = module(rows[None], rows[None], rows[None])[0][0]
    [layer] = trace_text(TEXT, heads=2, embeddings=rows, weights=module.state_dict()).layers
    assert numpy.allclose(layer.projected(layer.concat(layer.steps().output)), expected.detach(), atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"embeddings": {"Your": [1.0]}}, "embeddings has no vector for “?journey"),
        ({"embeddings": {"a": [1.0], "b": [1.0, 2.0]}}, "embeddings: the vectors have 1 and 2 numbers"),
        ({"embeddings": {1: [1.0]}}, "embeddings holds 1, which is no word"),
        ({"embeddings": numpy.ones((2, 3))}, "embeddings has 2 rows but the text has 3 tokens"),
        ({"embeddings": [[1.0, numpy.nan]] * 3}, "embeddings: the embeddings holds a value that is not finite"),
        ({"embeddings": WORDS, "dim": 2}, "dim and embeddings: "),
        ({"embeddings": "nowhere.json"}, "nowhere.json"),
        ({"weights": {"W_Q": numpy.eye(3)}}, "weights lacks W_K, W_V: it holds “?W_Q"),
        ({"weights": {"A": numpy.eye(3)}}, "weights lacks W_Q, W_K, W_V: it holds “?A"),
        ({"weights": numpy.eye(3)}, "weights is of type ndarray: expected arrays by name"),
        ({"weights": MATRICES, "project": True}, "project draws matrices"),
        ({"weights": MATRICES, "dim": 3}, "the query weights have 2 rows but an embedding has 3"),
    ],
)
def test_own_parts_that_do_not_fit_are_told(options, message):
    with pytest.raises(AttnvizError, match=message):
        trace_text(TEXT, **options)


def test_load_takes_another_rule_and_the_words_of_arrays(folder):
    TRACE.save(folder / "t.safetensors")
    again = load("t.safetensors", causal=False, scale=0.5, window=2, softcap=3.0, query_offset=0)
    [rule] = [layer.rule for layer in again.layers]
    assert (rule.causal, rule.scale, rule.window, rule.softcap, rule.query_offset) == (False, 0.5, 2, 3.0, 0)
    assert load("t.safetensors").layers[0].rule.causal is True
    numpy.savez(folder / "a.npz", query=QUERY, key=KEY, value=VALUE)
    assert load("a.npz", TEXT).tokens == ("Your", "journey", "starts")
    with pytest.raises(AttnvizError, match="path is 5: expected a path"):
        load(5)
    with pytest.raises(AttnvizError, match="text is 5: expected a text"):
        load("a.npz", text=5)
    with pytest.raises(AttnvizError, match="holds its own tokens"):
        load("t.safetensors", "a b c")


def test_arrays_are_what_the_command_reads_from_their_file(folder):
    numbers = {"scale": 0.3, "causal": True, "query_offset": 0, "window": 2, "softcap": 4.0}
    mask, bias = NUMBERS.random((2, 3, 3)) < 0.8, NUMBERS.standard_normal((3, 3))
    arrays = {"mask": mask, "bias": bias, "sinks": numpy.array([0.1, -1.0])}
    numpy.savez(folder / "dump.npz", query=QUERY, key=KEY, value=VALUE, tokens=TEXT.split(), **numbers, **arrays)
    trace = trace_arrays(QUERY, KEY, VALUE, TEXT, **numbers, **arrays)
    told = json.loads(run("explain", "--from", "dump.npz", "--format", "json").text)
    assert told["tokens"] == list(trace.tokens)
    assert numpy.array_equal([head["weights"] for head in told["layers"][0]["heads"]], trace.layers[0].steps().weights)
    assert trace_arrays(QUERY, KEY, VALUE).tokens == ("0", "1", "2")


def test_arrays_hold_what_attend_takes():
    [layer] = trace_arrays(QUERY, KEY[:1], VALUE[:1], causal=True).layers
    assert numpy.array_equal(layer.steps().output, attend(QUERY, KEY[:1], VALUE[:1], causal=True).output)
    assert vars(layer.rule) == vars(Rule(causal=True))
    assert layer.heads == 2


def test_a_call_has_the_arguments_and_the_defaults_of_attend():
    import inspect

    ours = {one.name: one.default for one in inspect.signature(trace_arrays).parameters.values()}
    theirs = {one.name: one.default for one in inspect.signature(attend).parameters.values()}
    assert theirs.items() <= ours.items()


@pytest.mark.parametrize("item", ["0", 1.5, True])
def test_an_item_is_a_whole_number(item):
    with pytest.raises(AttnvizError, match="expected a whole number"):
        attnviz.trace_arrays(QUERY, KEY, VALUE, item=item)
