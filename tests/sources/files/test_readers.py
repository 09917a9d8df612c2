"""Files of every format, whole and damaged: nothing is unpickled, and what is wrong is one clear line."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy
import pytest
import torch
from array_files import normal, three, written
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from safetensors.torch import save_file
from strategies import damaged

from attnviz.attention.formula import attend
from attnviz.errors import AttnvizError
from attnviz.sources.files import readers
from attnviz.sources.files.contents import PICKLES
from attnviz.sources.files.qkv import read_trace
from attnviz.sources.files.readers import ARRAY_SUFFIXES
from attnviz.sources.files.toy_parts import read_embeddings, read_weights
from attnviz.sources.toy.toy import Toy

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is not readable JSON"),
        ("{", "is not readable JSON"),
        ("ÿ", "is not readable JSON"),
        ("[" * 100_000, "is not readable JSON"),
        ("[1, 2]", r"weights has the shape \(2,\): expected \(layers, heads, queries, keys\)"),
        ("null", "holds null: expected an object"),
        ('{"q": null, "k": [[1]], "v": [[1]]}', "lacks query: it holds k, v$"),
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
    ids=range(21),
)
def test_json_that_is_no_trace(tmp_path, content, words):
    (tmp_path / "own.json").write_text(content)
    with pytest.raises(AttnvizError, match=words):
        read_trace(tmp_path / "own.json")


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
    (tmp_path / f"file{suffix}").write_text("words\n")
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
    with pytest.raises(AttnvizError, match=r"its header says 159,999,999,999,984 bytes of numbers, but 48 follow"):
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
    elif read is read_weights:
        assert {name: one.weight.shape for name, one in content.items()} == dict.fromkeys(WHOLE, (3, 3))
    else:
        assert [layer.query.shape[1] for layer in content.layers] == [3]


WHOLE = ("query", "key", "value", "output")


@READERS
@settings(max_examples=60)
@given(data=st.data())
@pytest.mark.some(3)
def test_a_damaged_file_is_read_or_an_error(good_files, read, suffix, data):
    path = good_files[read, suffix].with_name(f"damaged{suffix}")
    path.write_bytes(data.draw(damaged(good_files[read, suffix].read_bytes())))
    usable(read, path)


@READERS
@settings(max_examples=30)
@given(data=st.data())
@pytest.mark.some(3)
def test_random_bytes_are_an_error_or_read(tmp_path_factory, read, suffix, data):
    magic = st.sampled_from(
        [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00{", b"\x10\0\0\0\0\0\0\0{", b'{"a":', b"a,1\n"]
    )
    path = tmp_path_factory.getbasetemp() / f"random{suffix}"
    path.write_bytes(data.draw(magic) + data.draw(st.binary(max_size=40)))
    usable(read, path)


def test_a_file_that_may_not_be_read_is_told(tmp_path):
    path = written(tmp_path / "own.npz", three())
    read_trace(path)  # what it imports is read while everything may be
    path.chmod(0)
    root = os.geteuid() == 0  # who may read everything
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(AttnvizError, match="permission denied"):
            read_trace(path)
    finally:
        if root:
            os.seteuid(0)


def embeddings_refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(AttnvizError) as error:
        read_embeddings(path)
    assert error.value.message.isprintable()
    return error.value.message


def test_csv_is_bounded_while_it_is_read(tmp_path, monkeypatch):
    content = b"".join(b"word%d,1,2\n" % number for number in range(2000))
    (tmp_path / "own.csv").write_bytes(content)
    assert read_embeddings(tmp_path / "own.csv")(["word7"]).tolist() == [[1, 2]]
    tracemalloc.start()
    read_embeddings(tmp_path / "own.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(content) + 2000 * (readers.ROW + 2 * readers.CELL)
    monkeypatch.setattr(readers, "allowance", lambda: 1_000_000)
    assert embeddings_refused(tmp_path / "own.csv", content).endswith("own.csv holds more than fits into memory")


def test_a_line_of_csv_ends_somewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "LONGEST_ROW", 1000)
    message = embeddings_refused(tmp_path / "own.csv", b"a,1\nb," + b"1," * 500)
    assert message.endswith("own.csv is not readable CSV: a line has more than 0 MiB, after row 1")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,1\n\xff,2\n", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte, after row 1"),
        (b"a,1\na,2\n", "row 2: a appears twice"),
        (b"a,1\nb,x\x1b\n", r"row 2: expected a word and numbers, got 'b,x\x1b'"),
        (b'a,"' + b"1" * 200_000, "field larger than field limit (131072), after row 0"),
    ],
    ids=range(4),
)
def test_csv_that_cannot_be_read_says_where(tmp_path, content, words):
    assert words in embeddings_refused(tmp_path / "own.csv", content)


def test_csv_ends_its_lines_as_any_machine_does(tmp_path):
    for number, end in enumerate((b"\n", b"\r\n", b"\r")):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(b"\xef\xbb\xbfword,x" + end + b"a,1" + end + b"b,2" + end)
        assert read_embeddings(path)(["a", "b"]).tolist() == [[1], [2]]


def test_words_among_numbers_do_not_give_each_number_their_room(tmp_path):
    """NumPy would make an array of texts, each as long as the longest."""
    rows = ["x" * 100_000, *map(str, range(9000))]
    content = json.dumps({"q": rows, "k": [[1]], "v": [[rows]]})
    (tmp_path / "own.json").write_text(content)
    tracemalloc.start()
    with pytest.raises(AttnvizError, match="query holds str values"):
        read_trace(tmp_path / "own.json")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": [1, 2], "a": [3, 4]}', "it says a twice"),
        (b'{"a": [1e400]}', "holds a value that is not finite"),
        (b'{"a": [' + b"1" * 400 + b"]}", "holds object values"),
        (b'{"a": [' + b"1" * 5000 + b"]}", "it holds a number of thousands of digits"),
        (b'{"a": ' + b"[" * 500 + b"1" + b"]" * 500 + b"}", "is ragged or not numbers"),
    ],
    ids=range(5),
)
def test_numbers_that_no_vector_holds(tmp_path, content, words):
    assert words in embeddings_refused(tmp_path / "own.json", content)


def test_json_of_any_encoding_is_read(tmp_path):
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "own.json").write_bytes('{"ế": [1, 2]}'.encode(encoding))
        assert read_embeddings(tmp_path / "own.json")(["ế"]).tolist() == [[1, 2]]
