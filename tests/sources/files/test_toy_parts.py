"""A person's own vectors and matrices."""

from __future__ import annotations

import io
from pathlib import Path

import numpy
import pytest
import torch
from array_files import SAMPLES, SUFFIXES, normal, written
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.torch import save_file

from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.sources.files.toy_parts import given_embeddings, given_weights, read_embeddings, read_weights
from attnviz.sources.toy.toy import Toy

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


def npy(array: numpy.ndarray) -> bytes:
    stream = io.BytesIO()
    numpy.save(stream, array)
    return stream.getvalue()


def embedded(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.json", '{"Your": [1, 2], "ế,": [3, 4.5]}'),
        ("own.csv", 'Your,1,2\n"ế,",3,4.5\n'),
        ("own.csv", '\ufeffword,x,y\r\n\r\nyour,1,2\r\n"ế,", 3 ,45e-1\r\n'),
        ("OWN.CSV", '"YOUR",1,2\n"Ế,",+3,4.5'),
    ],
)
def test_embeddings_by_word_in_any_case(tmp_path, name, content):
    embed = read_embeddings(embedded(tmp_path / name, content))
    assert_array_equal(embed(["ế,", "your", "YOUR"]), [[3, 4.5], [1, 2], [1, 2]])


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_the_samples_of_embeddings_agree(suffix):
    words = ("Your", "journey", "starts", "with", "one", "step")
    by_word, by_place = (read_embeddings(SAMPLES / f"journey{each}")(words) for each in (suffix, ".npy"))
    assert_allclose(by_word, by_place)


def test_embeddings_by_place_are_a_row_a_token(tmp_path):
    embed = read_embeddings(embedded(tmp_path / "own.npy", npy(numpy.arange(6, dtype="i4").reshape(3, 2))))
    assert_array_equal(embed(["a", "b", "a"]), [[0, 1], [2, 3], [4, 5]])
    with pytest.raises(AttnvizError, match="has 3 rows but the text has 2 tokens"):
        embed(["a", "b"])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("own.json", "[[1, 2]]", "expected words, each with its vector"),
        ("own.json", "{}", "expected words, each with its vector"),
        ("own.json", '{"a": [1, 2], "b": [1]}', "vectors have 1 and 2 numbers"),
        ("own.json", '{"a": 1}', "the vector of a must be a list of numbers"),
        ("own.json", '{"a": []}', "the vector of a must be a list of numbers"),
        ("own.json", '{"a": [[1]]}', "the vector of a must be a list of numbers"),
        ("own.json", '{"a": [1, NaN]}', "the vector of a holds a value that is not finite"),
        ("own.json", '{"a": [1, -1e999]}', "the vector of a holds a value that is not finite"),
        ("own.json", '{"a": ["1"]}', "the vector of a holds str"),
        ("own.json", '{"a": null}', "the vector of a holds object"),
        ("own.json", '{"\x1b[31m": null}', "not readable JSON"),
        ("own.json", r'{"\u001b[31m": null}', r"the vector of \\x1b\[31m holds"),
        ("own.json", '{"A": [1, 2], "a": [3, 4]}', "(?i)a.*twice|both"),
        ("own.csv", "", "expected words, each with its vector"),
        ("own.csv", "word,x\n", "expected words, each with its vector"),
        ("own.csv", "a,1,2\nb,1", "vectors have 1 and 2 numbers"),
        ("own.csv", "a,1,2\nb,x,2", "row 2: expected a word and numbers, got 'b,x,2'"),
        ("own.csv", "a,1,2\nb", "the vector of b must be a list of numbers"),
        ("own.csv", "a,nan", "the vector of a holds a value that is not finite"),
        ("own.csv", b"a,\xff\xfe", "is not readable CSV"),
        ("own.csv", "a,1\na,2", "(?i)a.*twice|both"),
        ("own.npy", npy(normal(2, 3, 4)), r"has the shape \(2, 3, 4\): expected \(tokens, d\)"),
        ("own.npy", npy(normal(3)), r"has the shape \(3,\)"),
        ("own.npy", npy(numpy.array([[numpy.inf]])), "the embeddings holds? a value that is not finite"),
        ("own.npy", npy(numpy.array([["a"]])), "the embeddings holds? str"),
        ("own.npy", npy(normal(3, 2))[:-1], "is not a readable .npy file"),
        ("own.npy", b"", "is not a readable .npy file"),
    ],
    ids=range(27),
)
def test_embeddings_that_are_none(tmp_path, name, content, words):
    with pytest.raises(AttnvizError, match=words):
        read_embeddings(embedded(tmp_path / name, content))


def test_words_without_a_vector_are_named_with_those_that_have_one(tmp_path):
    embed = read_embeddings(embedded(tmp_path / "own.json", '{"Your": [1], "step": [2]}'))
    with pytest.raises(AttnvizError, match=r"has no vector for first, \\n$") as error:
        embed(["your", "first", "\n", "first"])
    assert error.value.hint == "it has: Your, step"


@SUFFIXES
@pytest.mark.parametrize("names", ["w_{}", "W{}", "W_{}"])
def test_weights_of_every_format_and_name(tmp_path, suffix, names):
    matrices = {letter: normal(3, 4) for letter in "qkv"} | {"o": normal(4, 3)}
    biases = {"b_q": normal(4), "BK": normal(4), "b_o": normal(3)}
    path = written(tmp_path / f"own{suffix}", {names.format(n): array for n, array in matrices.items()} | biases)
    projections = read_weights(path)
    assert [name[0] for name in projections] == list("qkvo")
    for name, projection in projections.items():
        assert_array_equal(projection.weight, matrices[name[0]])
    assert_array_equal(projections["key"].bias, biases["BK"])
    assert projections["value"].bias is None
    assert_allclose(projections["output"](normal(5, 4)), normal(5, 4) @ matrices["o"] + biases["b_o"])


def test_weights_need_no_output(tmp_path):
    path = written(tmp_path / "own.npz", {"query": normal(3, 4), "key": normal(3, 4), "value": normal(3, 4)})
    assert list(read_weights(path)) == ["query", "key", "value"]


def test_the_sample_of_weights_fits_the_samples_words():
    layer = Toy(heads=2, weights=read_weights(SAMPLES / "weights.json")).trace("Your journey").layers[0]
    assert layer.query.shape == (2, 2, 2)


@SUFFIXES
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"w_q": None, "w_v": None}, "lacks W_Q, W_V: it holds w_k"),
        ({"W_Q": normal(3, 4)}, "holds (w_q and W_Q|W_Q and w_q), which both mean query"),
        ({"w_q": normal(3)}, r"the query weights have the shape \(3,\), expected \(d_in, d_out\)"),
        ({"w_k": normal(1, 3, 4)}, "the key weights have the shape"),
        ({"w_v": numpy.full((3, 4), numpy.nan)}, "the value weights holds? a value that is not finite"),
        ({"b_q": normal(3)}, r"the query bias has the shape \(3,\), expected \(4,\)"),
        ({"b_k": numpy.full(4, numpy.inf)}, "the key bias holds a value that is not finite"),
    ],
    ids=range(7),
)
def test_weights_that_are_none(tmp_path, suffix, change, words):
    usual = {"w_q": normal(3, 4), "w_k": normal(3, 4), "w_v": normal(3, 4)}
    content = {name: array for name, array in (usual | change).items() if array is not None}
    with pytest.raises(AttnvizError, match=words):
        read_weights(written(tmp_path / f"own{suffix}", content))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"in_proj_weight": normal(5, 2)}, r"in_proj_weight has the shape \(5, 2\), expected \(3 · d, d\)"),
        ({"in_proj_bias": normal(5)}, r"in_proj_bias has the shape \(5,\), expected \(12,\)"),
        ({"out_proj.bias": normal(5)}, "the output bias has the shape"),
    ],
)
def test_a_state_dict_that_does_not_fit(tmp_path, change, words):
    state = {"in_proj_weight": normal(12, 4), "in_proj_bias": normal(12), "out_proj.weight": normal(4, 4)}
    with pytest.raises(AttnvizError, match=words):
        read_weights(written(tmp_path / "own.safetensors", state | change))


def test_a_state_dict_with_parts_that_are_not_computed_is_refused(tmp_path):
    module = torch.nn.MultiheadAttention(4, 2, add_bias_kv=True)
    save_file(module.state_dict(), tmp_path / "module.safetensors")
    with pytest.raises(AttnvizError, match="bias_k"):
        read_weights(tmp_path / "module.safetensors")


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".json"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("heads", [1, 2, 6])
def test_heads_equal_torchs_multihead_attention(tmp_path, heads, bias, causal, suffix):
    torch.manual_seed(heads)
    module = torch.nn.MultiheadAttention(12, heads, bias=bias, batch_first=True, dtype=torch.float64).eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    inputs = torch.from_numpy(normal(5, 12))
    hidden = torch.ones(5, 5, dtype=torch.bool).triu(1) if causal else None
    with torch.no_grad():
        output, weights = module(inputs, inputs, inputs, attn_mask=hidden, average_attn_weights=False)

    state = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    path = written(tmp_path / f"module{suffix}", state)
    numpy.save(tmp_path / "inputs.npy", inputs.numpy())
    toy = Toy(heads, embedder=read_embeddings(tmp_path / "inputs.npy"), weights=read_weights(path))
    layer = toy.trace("five words are enough here", Rule(causal=causal)).layers[0]
    steps = layer.steps()
    assert_allclose(steps.weights, weights, rtol=1e-12, atol=1e-12)
    assert_allclose(layer.projected(layer.concat(steps.output)), output, rtol=1e-12, atol=1e-12)


def test_a_nan_that_signals_is_no_more_than_a_nan(tmp_path):
    numbers = numpy.frombuffer(bytes.fromhex("0100807f"), "<f4").reshape(1, 1)
    numpy.save(tmp_path / "own.npy", numbers)
    with pytest.raises(AttnvizError, match="holds a value that is not finite"):
        read_embeddings(tmp_path / "own.npy")


def test_vectors_in_memory_are_those_of_a_file(tmp_path):
    words = {"a": [1.0, 2.0], "B": torch.tensor([3.0, 4.0])}
    (tmp_path / "words.json").write_text('{"a": [1, 2], "b": [3, 4]}')
    for given in (words, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), [[1, 2], [3, 4]], tmp_path / "words.json"):
        assert_array_equal(given_embeddings(given)(["a", "b"]), [[1, 2], [3, 4]])
    with pytest.raises(AttnvizError, match="embeddings holds 3, which is no word"):
        given_embeddings({3: [1.0]})


def test_matrices_in_memory_are_those_of_a_file(tmp_path):
    matrices = {name: normal(2, 2) for name in ("W_Q", "w_k", "value")} | {"other": None}
    numpy.savez(tmp_path / "w.npz", **{name: matrix for name, matrix in matrices.items() if matrix is not None})
    for given in (matrices, tmp_path / "w.npz", {name: _tensor(one) for name, one in matrices.items()}):
        found = given_weights(given)
        assert_array_equal(found["query"].weight, matrices["W_Q"])
        assert_array_equal(found["value"].weight, matrices["value"])
    with pytest.raises(AttnvizError, match=r"weights lacks W_Q, W_V: it holds .*W_K.*, .*other"):
        given_weights({"W_K": normal(2, 2), "other": 1})
    with pytest.raises(AttnvizError, match="weights is of type list: expected arrays by name"):
        given_weights([normal(2, 2)])


def _tensor(matrix):
    return None if matrix is None else torch.tensor(matrix)
