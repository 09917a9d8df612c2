import io
import json
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.torch import save_file
from strategies import damaged, json_values

from attnviz.attention.formula import attend
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.sources.files.qkv import read_trace
from attnviz.sources.files.readers import ARRAY_SUFFIXES, PICKLES
from attnviz.sources.files.toy_parts import read_embeddings, read_weights
from attnviz.sources.toy.toy import Toy
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test

SAMPLES = Path(__file__).parents[3] / "samples"
SUFFIXES = pytest.mark.parametrize("suffix", ARRAY_SUFFIXES)


def normal(*shape: int) -> numpy.ndarray:
    return numpy.random.default_rng(shape).normal(size=shape)


def three(tokens: int = 3) -> dict[str, numpy.ndarray]:
    return {"query": normal(2, tokens, 2), "key": normal(1, tokens, 2), "value": normal(1, tokens, 4)}


def written(path: Path, content: dict[str, object]) -> Path:
    """``content`` in the format of the suffix of ``path``."""
    match path.suffix:
        case ".npz":
            numpy.savez(path, **content)
        case ".json":
            as_lists = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in content.items()}
            path.write_text(json.dumps(as_lists))
        case ".safetensors":
            tensors = {
                name: torch.tensor(value) for name, value in content.items() if name not in ("tokens", "key_tokens")
            }
            words = {name: json.dumps(value) for name, value in content.items() if name not in tensors}
            save_file(tensors, path, words)
    return path


@SUFFIXES
def test_arrays_of_every_format_make_the_same_trace(tmp_path, suffix):
    mask, bias = normal(3, 3) < 1, numpy.where(numpy.eye(3) == 1, -numpy.inf, normal(2, 3, 3))
    rule = {"scale": 0.5, "causal": True, "query_offset": 1, "window": 2, "softcap": 4.0}
    beside = {"mask": mask, "bias": bias, "sinks": normal(2), "tokens": ["a", "ế", "\n"]}
    path = written(tmp_path / f"own{suffix}", three() | rule | beside)
    trace = read_trace(path)
    layer = trace.layers[0]
    assert trace.tokens == ("a", "ế", "\n")
    assert (layer.name, trace.source) == ("own", {"kind": "arrays", "file": path.name})
    assert {name: getattr(layer.rule, name) for name in rule} == pytest.approx(rule)
    expected = attend(**three(), mask=mask, bias=bias, sinks=normal(2), **rule)
    for ours, theirs in zip(layer.steps(), expected, strict=True):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@SUFFIXES
@pytest.mark.parametrize("names", [("query", "key", "value"), ("q", "k", "v"), ("Q", "Key", "VALUE")])
def test_names_in_any_case_and_short(tmp_path, suffix, names):
    path = written(tmp_path / f"own{suffix}", dict(zip(names, three().values(), strict=True)))
    assert_array_equal(read_trace(path).layers[0].value, three()["value"])


@SUFFIXES
@pytest.mark.parametrize(
    ("shape", "expected"), [((4,), (1, 1, 4)), ((3, 4), (1, 3, 4)), ((2, 3, 4), (2, 3, 4)), ((1, 2, 3, 4), (2, 3, 4))]
)
def test_every_accepted_shape(tmp_path, suffix, shape, expected):
    path = written(tmp_path / f"own{suffix}", {name: normal(*shape) for name in "qkv"})
    assert read_trace(path).layers[0].query.shape == expected


@SUFFIXES
@pytest.mark.parametrize("name", ["query", "key", "value"])
@pytest.mark.parametrize("shape", [(), (2, 2, 3, 4), (1, 1, 2, 3, 4)])
def test_other_shapes_are_refused_by_name(tmp_path, suffix, name, shape):
    path = written(tmp_path / f"own{suffix}", three() | {name: normal(*shape)})
    with pytest.raises(AttnvizError, match=rf"own{suffix}: {name} has the shape .*, expected \(tokens, d\)"):
        read_trace(path)


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (1, 2, 3, 3), (1, 1, 3, 3)])
def test_masks_and_biases_of_every_accepted_shape(tmp_path, shape):
    path = written(tmp_path / "own.npz", three() | {"mask": normal(*shape) < 1, "bias": normal(*shape)})
    expected = attend(**three(), mask=(normal(*shape) < 1).reshape(shape[-3:]), bias=normal(*shape).reshape(shape[-3:]))
    assert_allclose(read_trace(path).layers[0].steps().weights, expected.weights)


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8", "int8", "uint16", "bool"])
def test_numbers_of_any_type_are_read(tmp_path, dtype):
    arrays = {name: (2 * array).clip(0).astype(dtype) for name, array in three().items()}
    steps = read_trace(written(tmp_path / "own.npz", arrays)).layers[0].steps()
    assert_allclose(steps.output, attend(*(array.astype("f8") for array in arrays.values())).output, rtol=1e-5)


def test_tokens_come_as_an_array_of_strings(tmp_path):
    path = written(tmp_path / "own.npz", three() | {"tokens": numpy.array(["a", "ế", "👩‍👧"])})
    assert read_trace(path).tokens == ("a", "ế", "👩‍👧")


def test_tokens_without_names_are_numbered(tmp_path):
    trace = read_trace(written(tmp_path / "own.npz", three()))
    assert trace.tokens == trace.key_tokens(trace.layers[0]) == ("0", "1", "2")


def test_queries_and_keys_of_different_numbers_are_numbered_apart(tmp_path):
    path = written(tmp_path / "own.npz", {"q": normal(2, 2), "k": normal(3, 2), "v": normal(3, 2)})
    trace = read_trace(path)
    assert trace.tokens == ("q0", "q1")
    assert trace.key_tokens(trace.layers[0]) == ("k0", "k1", "k2")


@SUFFIXES
def test_key_tokens_stand_beside_tokens(tmp_path, suffix):
    content = {"q": normal(2, 2), "k": normal(3, 2), "v": normal(3, 2), "tokens": ["a", "b"], "key_tokens": [*"xyz"]}
    trace = read_trace(written(tmp_path / f"own{suffix}", content))
    assert (trace.tokens, trace.key_tokens(trace.layers[0])) == (("a", "b"), ("x", "y", "z"))


def test_options_of_the_caller_replace_those_of_the_file(tmp_path):
    path = written(tmp_path / "own.npz", three() | {"causal": True, "scale": 2.0})
    rule = read_trace(path, {"scale": 0.5, "window": 1}).layers[0].rule
    assert (rule.causal, rule.scale, rule.window) == (True, 0.5, 1)


@pytest.mark.parametrize("name", ["dot-product.json", "grouped.safetensors", "three-tokens.npz"])
def test_every_sample_of_arrays_is_a_trace(name):
    steps = read_trace(SAMPLES / name).layers[0].steps()
    assert_allclose(steps.weights.sum(axis=-1), 1, rtol=1e-6)


def test_a_saved_trace_is_read_like_arrays(tmp_path):
    saved = Trace(("a", "b", "c"), (Layer(**three(), rule=Rule(causal=True)),))
    saved.save(tmp_path / "trace.safetensors")
    loaded = read_trace(tmp_path / "trace.safetensors", {"causal": False})
    assert loaded.tokens == saved.tokens
    assert loaded.layers[0].rule.causal is False


def test_bfloat16_is_read_without_torch(tmp_path):
    path = tmp_path / "own.safetensors"
    tensors = {name: torch.from_numpy(array).bfloat16() for name, array in three().items()}
    save_file(tensors, path)
    program = (
        "import sys, json, pathlib; sys.modules['torch'] = None\n"
        "from attnviz.sources.files.qkv import read_trace\n"
        f"print(json.dumps(read_trace(pathlib.Path({str(path)!r})).layers[0].steps().weights.tolist()))\n"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
    assert_allclose(json.loads(printed), attend(**tensors).weights, rtol=1e-6)


@SUFFIXES
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"query": None}, "lacks query: it holds key, value"),
        ({"query": None, "value": None}, "lacks query, value: it holds key"),
        ({"Q": normal(2, 3, 2)}, "holds (query and Q|Q and query), which both mean query"),
        ({"value": normal(1, 4, 4)}, "key has 3 tokens but value has 4"),
        ({"key": normal(1, 3, 5)}, "query has 2 dimensions but key has 5"),
        ({"mask": numpy.ones((3, 3))}, "mask holds float64 values: it must be boolean"),
        ({"mask": numpy.ones((2, 3), dtype=bool)}, "mask has the shape"),
        ({"bias": numpy.full((3, 3), numpy.nan)}, "bias holds NaN"),
        ({"sinks": normal(5)}, "sinks has the shape"),
        ({"scale": numpy.nan}, "scale is nan"),
        ({"scale": [1.0, 2.0]}, "scale must be one number"),
        ({"window": 1.5}, "window must be one whole number"),
        ({"window": 0}, "window is 0"),
        ({"query_offset": numpy.inf}, "query_offset must be one whole number"),
        ({"query_offset": 1e30, "causal": True}, "query_offset"),
        ({"causal": 2}, "causal must be"),
        ({"causal": 0.5}, "causal must be"),
        ({"softcap": -1.0}, "softcap is -1"),
        ({"tokens": ["a", "b"]}, "2 tokens but query has 3"),
        ({"tokens": []}, "0 tokens but query has 3"),
        ({"key_tokens": ["a"]}, "1 tokens but key has 3"),
    ],
    ids=range(21),
)
def test_contents_that_do_not_fit(tmp_path, suffix, change, words):
    content = {name: value for name, value in (three() | change).items() if value is not None}
    with pytest.raises(AttnvizError, match=words):
        read_trace(written(tmp_path / f"own{suffix}", content))


@SUFFIXES
@pytest.mark.parametrize("bad", [numpy.nan, numpy.inf])
def test_a_number_that_is_not_finite_is_named_with_its_place(tmp_path, suffix, bad):
    arrays = three()
    arrays["key"][0, 2, 1] = bad
    with pytest.raises(AttnvizError, match=f"key is not finite: {bad} at head 0, token 2, dimension 1"):
        read_trace(written(tmp_path / f"own{suffix}", arrays))


def test_a_query_that_is_not_finite_is_told_when_the_file_is_read(tmp_path):
    arrays = three()
    arrays["query"][1, 2, 0] = numpy.nan
    with pytest.raises(AttnvizError, match="query is not finite: nan at head 1, token 2, dimension 0"):
        read_trace(written(tmp_path / "own.npz", arrays))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is not readable JSON"),
        ("{", "is not readable JSON"),
        ("ÿ", "is not readable JSON"),
        ("[" * 100_000, "is not readable JSON"),
        ("[1, 2]", "holds a list: expected an object"),
        ("null", "holds a NoneType"),
        ("{}", "lacks query, key, value: it holds nothing"),
        ('{"q": [[1, 2], [3]], "k": [[1]], "v": [[1]]}', "query is ragged"),
        ('{"q": [["a"]], "k": [[1]], "v": [[1]]}', "query holds str"),
        ('{"q": "text", "k": [[1]], "v": [[1]]}', "query holds str"),
        ('{"q": [[null]], "k": [[1]], "v": [[1]]}', "query holds object"),
        ('{"q": {"a": 1}, "k": [[1]], "v": [[1]]}', "query holds object"),
        ('{"q": [[]], "k": [[1]], "v": [[1]]}', "query is empty"),
        ('{"q": [[1]], "k": [[1]], "v": [[1]], "tokens": "a"}', "tokens must be a list of strings"),
        ('{"q": [[1]], "k": [[1]], "v": [[1]], "tokens": [1]}', "tokens must be a list of strings"),
        ('{"q": [[1]], "k": [[1]], "v": [[1]], "scale": "big"}', "scale holds str"),
        ('{"q": [[1]], "k": [[1]], "v": [[1]], "causal": "no"}', "causal holds str"),
        ('{"q": [[1]], "k": [[1]], "v": [[1]], "mask": [[2]]}', "mask holds int64 values"),
        ('{"q": [[1e999]], "k": [[1]], "v": [[1]]}', "query is not finite: inf"),
        ('{"q": [[-Infinity]], "k": [[1]], "v": [[1]]}', "query is not finite: -inf"),
    ],
    ids=range(20),
)
def test_json_that_is_no_trace(tmp_path, content, words):
    (tmp_path / "own.json").write_text(content)
    with pytest.raises(AttnvizError, match=words):
        read_trace(tmp_path / "own.json")


def test_lone_surrogates_in_json_are_written_out(tmp_path):
    path = tmp_path / "own.json"
    path.write_text(r'{"q": [[1]], "k": [[1]], "v": [[1]], "tokens": ["\ud800"], "key_tokens": ["\udc80"]}')
    trace = read_trace(path)
    assert (trace.tokens, trace.key_tokens(trace.layers[0])) == ((r"\ud800",), (r"\udc80",))


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def pickled(trap: Trap, path: Path) -> Path:
    match path.stem:
        case "plain":
            path.write_bytes(pickle.dumps(trap))
        case "objects":
            array = numpy.array([trap], dtype=object)
            with path.open("wb") as stream:
                if path.suffix == ".npz":
                    numpy.savez(stream, query=array, key=array, value=array)
                else:
                    numpy.save(stream, array, allow_pickle=True)
        case "torch":
            torch.save({"query": trap}, path)
    return path


@pytest.mark.parametrize("kind", ["plain", "objects", "torch"])
@pytest.mark.parametrize(
    ("read", "suffix"),
    [(read_trace, suffix) for suffix in (*ARRAY_SUFFIXES, *PICKLES)]
    + [(read_weights, suffix) for suffix in (*ARRAY_SUFFIXES, *PICKLES)]
    + [(read_embeddings, suffix) for suffix in (".npy", ".json", ".csv", ".pkl")],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_pickle_is_never_loaded(tmp_path, kind, read, suffix):
    sprung = tmp_path / "sprung"
    path = pickled(Trap(sprung), tmp_path / f"{kind}{suffix}")
    with pytest.raises(AttnvizError):
        read(path)(["a"])
    assert not sprung.exists()
    if kind == "plain":
        pickle.loads(path.read_bytes()).close()
        assert sprung.exists()


@pytest.mark.parametrize("suffix", [".pt", ".PTH", ".pkl", ".bin"])
@pytest.mark.parametrize("read", [read_trace, read_weights])
def test_formats_that_are_pickles_are_refused_with_a_way_out(tmp_path, read, suffix):
    with pytest.raises(AttnvizError, match="is a pickle, which can run any code") as error:
        read(tmp_path / f"model{suffix}")
    assert ".safetensors" in error.value.hint


@pytest.mark.parametrize("read", [read_trace, read_weights, read_embeddings])
@pytest.mark.parametrize("suffix", [".txt", "", ".npz.gz"])
def test_other_suffixes_are_told_the_right_ones(tmp_path, read, suffix):
    with pytest.raises(AttnvizError, match=r"are read from .*\.json"):
        read(tmp_path / f"file{suffix}")


READERS = pytest.mark.parametrize(
    ("read", "suffix"),
    [(read, suffix) for read in (read_trace, read_weights) for suffix in ARRAY_SUFFIXES]
    + [(read_embeddings, suffix) for suffix in (".json", ".csv", ".npy")],
    ids=lambda value: getattr(value, "__name__", value),
)


@READERS
def test_a_directory_or_a_missing_file_is_told(tmp_path, read, suffix):
    with pytest.raises(AttnvizError, match="does not exist"):
        read(tmp_path / f"missing{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(AttnvizError, match="is a directory, not a file"):
        read(tmp_path / f"folder{suffix}")


def npy(array: numpy.ndarray) -> bytes:
    stream = io.BytesIO()
    numpy.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize("read", [read_trace, read_weights])
def test_one_array_under_the_suffix_of_many_is_an_error(tmp_path, read):
    (tmp_path / "own.npz").write_bytes(npy(normal(3, 2)))
    with pytest.raises(AttnvizError, match=r"own\.npz"):
        read(tmp_path / "own.npz")


def test_many_arrays_under_the_suffix_of_one_are_an_error(tmp_path):
    path = written(tmp_path / "own.npz", three()).rename(tmp_path / "own.npy")
    with pytest.raises(AttnvizError, match=r"own\.npy"):
        read_embeddings(path)


def test_an_array_that_says_it_is_enormous_is_an_error(tmp_path):
    content = npy(normal(3, 2)).replace(b"(3, 2), }" + b" " * 12, b"(9999999999999, 2), }")
    (tmp_path / "own.npy").write_bytes(content)
    with pytest.raises(AttnvizError, match=r"own\.npy claims to hold more than fits into memory"):
        read_embeddings(tmp_path / "own.npy")


def usable(read, path: Path) -> None:
    """Read ``path`` and use what it holds: AttnvizError is the only thing that may go wrong."""
    with suppress(AttnvizError):
        content = read(path)
        if read is read_trace:
            content.layers[0].steps()
        elif read is read_weights:
            Toy(weights=content).trace("a b c").layers[0].steps()
        else:
            assert numpy.isfinite(content(["a", "b", "c"])).all()


@pytest.fixture(scope="module")
def good_files(tmp_path_factory):
    """A good file for each reader and suffix."""
    folder = tmp_path_factory.mktemp("good")
    weights = {name: normal(3, 3) for name in ("w_q", "w_k", "w_v", "w_o")} | {"b_q": normal(3)}
    files = {(read_trace, suffix): written(folder / f"trace{suffix}", three()) for suffix in ARRAY_SUFFIXES}
    files |= {(read_weights, suffix): written(folder / f"weights{suffix}", weights) for suffix in ARRAY_SUFFIXES}
    for suffix, content in {
        ".json": b'{"a": [1, 2], "b": [3, 4], "c": [5, 6]}',
        ".csv": b"word,x,y\na,1,2\nb,3,4\nc,5,6\n",
        ".npy": npy(normal(3, 2)),
    }.items():
        files[read_embeddings, suffix] = folder / f"embeddings{suffix}"
        files[read_embeddings, suffix].write_bytes(content)
    return files


@READERS
def test_the_good_files_are_good(good_files, read, suffix):
    content = read(good_files[read, suffix])
    if read is read_embeddings:
        assert content(["a", "b", "c"]).shape == (3, 2)


@READERS
@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_read_or_an_error(good_files, read, suffix, data):
    path = good_files[read, suffix].with_name(f"damaged{suffix}")
    path.write_bytes(data.draw(damaged(good_files[read, suffix].read_bytes())))
    usable(read, path)


@READERS
@settings(max_examples=30)
@given(data=st.data())
def test_random_bytes_are_an_error_or_read(tmp_path_factory, read, suffix, data):
    magic = st.sampled_from(
        [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00{", b"\x10\0\0\0\0\0\0\0{", b'{"a":', b"a,1\n"]
    )
    path = tmp_path_factory.getbasetemp() / f"random{suffix}"
    path.write_bytes(data.draw(magic) + data.draw(st.binary(max_size=40)))
    usable(read, path)


@pytest.mark.parametrize(
    "name",
    ["query", "mask", "bias", "sinks", "tokens", "key_tokens", "scale", "causal", "query_offset", "window", "softcap"],
)
@settings(max_examples=60)
@given(value=json_values())
def test_any_value_in_json_is_read_or_an_error(tmp_path_factory, name, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps({"query": [[1, 2]], "key": [[1, 2]], "value": [[1, 2]], name: value}))
    usable(read_trace, path)


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


def test_a_file_that_may_not_be_read_is_told(tmp_path):
    path = written(tmp_path / "own.npz", three())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root may read everything")
    with pytest.raises(AttnvizError, match="permission denied"):
        read_trace(path)
