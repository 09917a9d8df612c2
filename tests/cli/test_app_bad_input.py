"""Whatever is wrong with the input: the right exit code, one line that says what, at most one hint, and no result."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
from command_line import attnviz, problem, surroundings
from safetensors.numpy import save, save_file

import attnviz as library
from attnviz.attention import memory

GOOD = {
    "query": numpy.arange(12.0).reshape(3, 4),
    "key": numpy.arange(20.0).reshape(5, 4),
    "value": numpy.arange(10.0).reshape(5, 2),
}

# Texts


@pytest.mark.parametrize("command", ["explain", "heatmap"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is empty"),
        (" ", "the text holds only white space"),
        ("\u3000\n\t", "the text holds only white space"),
    ],
)
def test_a_text_without_words(command, text, message):
    assert problem(attnviz(command, text), 1) == message


@pytest.mark.parametrize("command", ["explain", "heatmap"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"caf\xe9", "is not UTF-8 text: byte 0xe9 at position 3"),
        (b"\xff\xfea\0", "is UTF-16 text, not UTF-8"),
        ("\ufeffcafé".encode("utf-16-be"), "is UTF-16 text, not UTF-8"),
        ("café".encode("utf-32"), "is UTF-32 text, not UTF-8"),
        (b"a\0b\0", "is binary, not text: a zero byte at position 1"),
        (b"ok\0", "is binary, not text: a zero byte at position 2"),
    ],
)
def test_bytes_that_are_no_text(folder, command, content, message):
    (folder / "bad.txt").write_bytes(content)
    assert problem(attnviz(command, stdin=content), 1) == f"standard input {message}"
    assert problem(attnviz(command, "--file", "bad.txt"), 1) == f"bad.txt {message}"


def test_text_in_another_encoding_is_told_how_to_convert_it(folder):
    (folder / "wide.txt").write_bytes("café".encode("utf-16"))
    assert attnviz("heatmap", "-f", "wide.txt").stderr.endswith("hint: convert it first: iconv -f UTF-16 -t UTF-8\n")


def test_a_million_tokens_are_refused_at_once_with_the_memory_that_they_need(folder):
    (folder / "million.txt").write_text("x " * 1_000_000)
    begin = time.monotonic()
    result = attnviz("explain", "--file", "million.txt", "--format", "json")
    assert time.monotonic() - begin < 10
    message = problem(result, 1)
    assert "1,000,000,000,000 pairs of a query and a key" in message
    assert "GiB of memory" in message
    assert "shorter text" in result.stderr.splitlines()[1]


@pytest.fixture
def small_machine(monkeypatch):
    """A machine with 256 KiB of memory."""
    monkeypatch.setattr(memory, "_limits", lambda: (64 << 12, {}))


@pytest.mark.usefixtures("small_machine")
@pytest.mark.parametrize(
    "arguments",
    [
        ("explain",),
        ("explain", "--causal", "--heads", "2", "--quiet"),
        ("explain", "--step", "weights"),
        ("explain", "--format", "markdown"),
        ("explain", "--format", "json"),
        ("explain", "--format", "csv"),
        ("explain", "--position", "alibi"),
        ("heatmap",),
        ("heatmap", "--format", "term"),
    ],
)
def test_too_many_tokens_for_the_machine_leave_no_result_but_a_way_out(arguments):
    result = attnviz(*arguments, stdin=b"x " * 1000)
    assert re.search(r"needs [\d,.]+ [KM]iB of memory", problem(result, 1))
    hint = result.stderr.splitlines()[1]
    assert "shorter text" in hint
    assert arguments[0] == "explain" or "--lines" not in hint  # which heatmap does not have


@pytest.mark.usefixtures("small_machine")
@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_embeddings_alone_need_no_memory_for_attention(form):
    result = attnviz("explain", "--step", "embeddings", "--format", form, stdin=b"x " * 1000)
    assert (result.code, result.stderr) == (0, "")


# Options

WRONG_USAGE = [
    (("explain", "a b", "--heads", "0"), "'--heads': 0 is out of range"),
    (("explain", "a b", "--heads", "x"), "'--heads': 'x' is not a whole number"),
    (("explain", "a b", "--heads", "1.5"), "'--heads': '1.5' is not a whole number"),
    (("explain", "a b", "--dim", "-1"), "'--dim': -1 is out of range"),
    (("heatmap", "a b", "--dpi", "1"), "'--dpi': 1 is out of range: it must be at least 20 and at most 1200"),
    (("heatmap", "a b", "--dpi", "99999"), "'--dpi'"),
    (("explain", "a b", "--precision", "99"), "'--precision': 99 is out of range"),
    (("explain", "a b", "--precision", "-1"), "'--precision'"),
    (("explain", "a b", "--max-tokens", "1"), "'--max-tokens'"),
    (("explain", "a b", "--scale", "nan"), "'--scale'"),
    (("explain", "a b", "--scale", "inf"), "scale"),
    (("explain", "a b", "--scale", "x"), "'--scale': 'x' is not a number"),
    (("explain", "a b", "--softcap", "0"), "softcap"),
    (("explain", "a b", "--softcap", "-1"), "softcap"),
    (("explain", "a b", "--softcap", "inf"), "softcap"),
    (("explain", "a b", "--window", "0"), "'--window': 0 is out of range"),
    (("explain", "a b", "--causal", "--query-offset", "99999999999999999999999"), "--query-offset"),
    (("explain", "a b", "--step", "nonsense"), "'--step': 'nonsense' is not one of"),
    (("heatmap", "a b", "--step", "output"), "'output' is not one of scores, scaled, masked, weights"),
    (("explain", "a b", "--format", "png"), "'png' is not one of"),
    (("explain", "a b", "--tokenizer", "nonsense"), "'nonsense' is not one of word, char, byte, whitespace"),
    (("explain", "a b", "--position", "nonsense"), "'nonsense' is not one of"),
    (("explain", "a b", "--dtype", "int8"), "'int8' is not one of"),
    (("explain", "a b", "--lang", "xx"), "'xx' is not one of en, vi"),
    (("explain", "a b", "--head", "x"), "--head x: expected numbers and ranges"),
    (("explain", "a b", "--head", "3-1"), "--head 3-1: the range runs backwards"),
    (("explain", "a b", "--layer", ""), "--layer ''"),
    (("explain", "a b", "--nonsense"), "--nonsense"),
    (("explain", "a", "b"), "(b)"),
    (("nonsense",), "nonsense"),
    (("explain", "a", "-o"), "-o"),
    (("explain", "a b", "--scale", "2", "--no-scale"), "--scale and --no-scale"),
    (("explain", "a b", "--dim", "3", "--embeddings", "own.json"), "--dim and --embeddings"),
    (("explain", "a b", "--project", "--weights", "own.json"), "--project"),
    (("explain", "a b", "--query", "a", "--format", "json"), "JSON always holds all"),
    (("explain", "a b", "--key", "a", "-o", "a.json"), "JSON always holds all"),
    (("explain", "--lines", "--from", "good.npz"), "--lines is for texts"),
    (("explain", "--lines", "a", "-o", "a.safetensors"), "one trace"),
    (("explain", "a b", "--format", "safetensors"), "saved to a .safetensors file"),
    (("heatmap", "a b", "--format", "safetensors", "-o", "-"), "saved to a .safetensors file"),
    (("explain", "a b", "--backend", "numpy", "--device", "cuda"), "NumPy computes on the cpu, not on cuda"),
    (("explain", "a b", "--backend", "numpy", "--dtype", "bfloat16"), "NumPy has no bfloat16"),
    (("explain", "a b", "--dtype", "bfloat16"), "NumPy has no bfloat16"),
    (("explain", "-", "--from", "good.npz"), "TEXT and --from"),
    *((("explain", "--from", "good.npz", *toy), toy[0]) for toy in (
        ("--heads", "2"), ("--dim", "4"), ("--seed", "1"), ("--project",), ("--tokenizer", "char"),
        ("--position", "rope"), ("--embeddings", "own.json"), ("--weights", "own.json"),
    )),
]  # fmt: skip


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize(
    ("arguments", "named"), WRONG_USAGE, ids=lambda part: " ".join(part) if isinstance(part, tuple) else ""
)
@pytest.mark.some(16)
def test_wrong_usage_is_2(arguments, named):
    assert named in problem(attnviz(*arguments), 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--heads", "3", "--dim", "4"), "3 heads cannot share the 4 dimensions of an embedding evenly"),
        (("--head", "5"), "head 5 does not exist: layer 0 has only head 0"),
        (("--heads", "4", "--head", "2-4"), "head 4 does not exist: layer 0 has heads 0 to 3"),
        (("--layer", "1"), "layer 1 does not exist: the trace has only layer 0"),
        (("--query", "dog"), "no query token dog: there are the (0), cat (1), the (2)"),
        (("--key", "3"), "no key 3: there are 3 keys, at the positions 0 to 2"),
        (("--query", "@3"), "no query @3: there are 3 queries, at the positions 0 to 2"),
        (("--query", "the"), "query token the stands at the positions 0, 2"),
        (("--query", "cat", "--key", "the"), "key token the stands at the positions 0, 2"),
        (("--position", "rope", "--dim", "3"), "rope turns pairs of dimensions, but a head has 3"),
        (("--scale", "1e308"), "too large for float64"),
        (("--device", "nonsense"), "torch cannot use the device nonsense"),
        (("--device", "meta"), "meta"),
        (("--embeddings", "none.json"), "none.json does not exist"),
        (("--embeddings", "own.txt"), "own.txt: embeddings are read from .json, .csv, .npy"),
        (("--embeddings", "none.txt"), "none.txt does not exist"),
        (("--weights", "own.json"), "own.json lacks W_Q, W_K, W_V"),
        (("--dim", "99999999999"), "GiB of memory"),
    ],
)
@pytest.mark.usefixtures("good")
def test_options_that_do_not_fit_the_data_are_1(arguments, message):
    assert message in problem(attnviz("explain", "the cat the", *arguments), 1)


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "json"])
def test_nothing_is_written_when_the_numbers_turn_out_to_be_too_large(folder, form):
    (folder / "large.json").write_text('{"a": [1e200, 1e200], "b": [-1e200, 1e200]}')
    message = problem(attnviz("explain", "a b", "--embeddings", "large.json", "--format", form), 1)
    assert "too large for float64" in message


@pytest.mark.usefixtures("folder")
def test_the_name_of_a_file_is_told_as_it_is():
    for name, told in (("two  spaces ", "two  spaces "), ("a\nb\tc", r"a\nb\tc")):
        assert problem(attnviz("explain", "--file", name), 1) == f"{told} does not exist"


def test_a_colour_map_that_does_not_exist_is_answered_with_names_that_do():
    result = attnviz("heatmap", "a b", "--cmap", "viridi")
    assert "viridi" in problem(result, 1)
    assert "viridis" in result.stderr.splitlines()[1]


@pytest.mark.parametrize("form", ["png", "term"])
@pytest.mark.parametrize("step", ["weights", "scores"])
def test_a_colour_map_without_a_name_does_not_exist(form, step):
    assert problem(attnviz("heatmap", "a b", "--cmap", "", "--step", step, "--format", form), 1) == (
        "there is no colour map ''"
    )


def test_the_hint_for_wrong_usage_names_the_help_of_the_command():
    for arguments in (("explain", "--nonsense"), ("explain", "--heads", "x"), ("explain", "a", "-o")):
        assert attnviz(*arguments).stderr.splitlines()[1] == "attnviz: hint: attnviz explain --help"


# Files


@pytest.fixture
def good(folder: Path) -> Path:
    """A folder with arrays that are well, and a person's own vectors."""
    numpy.savez(folder / "good.npz", **GOOD)
    (folder / "own.json").write_text('{"the": [1, 0], "cat": [0, 1]}')
    (folder / "own.txt").write_text("the 1 0")
    return folder


@pytest.mark.parametrize("command", ["explain", "heatmap"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--file", "none.txt"), "none.txt does not exist"),
        (("--file", "folder"), "folder is a directory, not a file"),
        (("--file", "own.json/x"), "own.json/x: not a directory"),
        (("--from", "none.npz"), "none.npz does not exist"),
        (("--from", "none.safetensors"), "none.safetensors does not exist"),
        (("--from", "none.json"), "none.json does not exist"),
        (("--from", "folder"), "folder is a directory, not a file"),
        (("--from", "folder.npz"), "folder.npz is a directory, not a file"),
        (("--from", "folder.safetensors"), "folder.safetensors is a directory, not a file"),
        (("--from", "own.csv"), "own.csv: arrays are read from .npz, .safetensors, .json, .npy"),
        (("a", "-o", "none/a.safetensors"), "none/a.safetensors: its folder does not exist"),
        (("a", "-o", "folder.safetensors"), "folder.safetensors is a directory, not a file"),
        (("a", "-o", "own.json/a.safetensors"), "own.json/a.safetensors: not a directory"),
        (("a", "-o", f"{'x' * 300}.safetensors"), f"{'x' * 300}.safetensors: file name too long"),
    ],
)
def test_files_that_cannot_be_read_or_written(good, command, arguments, message):
    (good / "own.csv").touch()
    for name in ("folder", "folder.npz", "folder.safetensors"):
        (good / name).mkdir()
    assert problem(attnviz(command, *arguments), 1) == message


@pytest.mark.parametrize("suffix", [".json", ".txt", ".csv", ".md"])
def test_a_result_that_cannot_be_written(suffix):
    assert problem(attnviz("explain", "a", "-o", f"none/a{suffix}"), 1) == f"none/a{suffix}: its folder does not exist"


def nan(array: numpy.ndarray, *place: int) -> numpy.ndarray:
    array = array.copy()
    array[place] = numpy.nan
    return array


ARRAYS = {
    "NaN in key": ({"key": nan(GOOD["key"], 1, 3)}, "key is not finite: nan at head 0, token 1, dimension 3"),
    "infinity in value": ({"value": GOOD["value"] + numpy.inf}, "value is not finite: inf at head 0, token 0, dimension 0"),
    "NaN in scale": ({"scale": numpy.nan}, "scale is nan: it must be a finite number"),
    "NaN in bias": ({"bias": numpy.full((3, 5), numpy.nan)}, "bias holds NaN"),
    "infinity in sinks": ({"sinks": [numpy.inf]}, "sinks holds a value that is not finite"),
    "too few values": ({"value": numpy.ones((4, 2))}, "key has 5 tokens but value has 4: they come in pairs"),
    "other dimensions": ({"key": numpy.ones((5, 3))}, "query has 4 dimensions but key has 3"),
    "odd groups": (
        {"query": numpy.ones((3, 3, 4)), "key": numpy.ones((2, 5, 4)), "value": numpy.ones((2, 5, 2))},
        "3 query heads cannot be shared evenly among 2 key heads",
    ),
    "no number": ({"query": numpy.array(1.0)}, "query has the shape ()"),
    "no query": ({"query": numpy.ones((0, 4))}, "query is empty"),
    "a batch": ({"query": numpy.ones((2, 1, 3, 4))}, "query has the shape (2, 1, 3, 4)"),
    "mask of another shape": ({"mask": numpy.ones((2, 2), bool)}, "mask has the shape (2, 2)"),
    "mask of numbers": ({"mask": numpy.ones((3, 5))}, "mask holds float64 values: it must be boolean"),
    "sinks of other heads": ({"sinks": [1.0, 2.0]}, "sinks has the shape (2,)"),
    "too few tokens": ({"tokens": ["a"]}, "1 token but query has 3"),
    "causal without offset": ({"causal": True}, "3 queries and 5 keys: at which key does the first query stand?"),
    "no window": ({"window": 0}, "window is 0"),
    "half a window": ({"window": 1.5}, "window must be one whole number"),
    "overflow": ({"query": GOOD["query"] * 1e200, "key": GOOD["key"] * 1e200}, "too large for float64"),
    "words": ({"query": [["a", "b"]]}, "attention needs real numbers"),
    "ragged": ({"query": [[1, 2], [3]]}, "query is ragged or not numbers"),
    "query twice": ({"Q": GOOD["query"]}, "which both mean query"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["explain", "heatmap"])
@pytest.mark.parametrize("case", ARRAYS)
@pytest.mark.some(14)
def test_arrays_that_do_not_fit(folder, command, case):
    wrong, message = ARRAYS[case]
    content = {name: numpy.asarray(value).tolist() for name, value in GOOD.items()}
    content |= {name: value.tolist() if isinstance(value, numpy.ndarray) else value for name, value in wrong.items()}
    (folder / "wrong.json").write_text(json.dumps(content))
    assert message in problem(attnviz(command, "--from", "wrong.json"), 1)
    if "ragged" not in message:
        numpy.savez(folder / "wrong.npz", **GOOD | wrong)
        assert message in problem(attnviz(command, "--from", "wrong.npz"), 1)


@pytest.mark.usefixtures("good")
def test_the_hint_about_the_offset_names_the_option():
    result = attnviz("explain", "--from", "good.npz", "--causal")
    problem(result, 1)
    assert "--query-offset" in result.stderr.splitlines()[1]


@pytest.mark.parametrize("wrong", [{"query": numpy.ones((3, 4)) * 1j}, {"query": numpy.zeros(3, "datetime64[D]")}])
def test_arrays_that_are_not_real_numbers(folder, wrong):
    numpy.savez(folder / "wrong.npz", **GOOD | wrong)
    assert "attention needs real numbers" in problem(attnviz("explain", "--from", "wrong.npz"), 1)


def test_booleans_are_numbers_or_refused_but_never_a_crash(folder):
    numpy.savez(folder / "booleans.npz", **GOOD | {"query": numpy.ones((3, 4), bool)})
    result = attnviz("explain", "--from", "booleans.npz")
    assert result.code == 0 or "query" in problem(result, 1)


def damage(content: bytes) -> dict[str, bytes]:
    """Ways in which a file may have suffered."""
    middle = len(content) // 2
    return {
        "empty": b"",
        "cut": content[:middle],
        "cut at the end": content[:-5],
        "changed": content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :],
        "zeros": bytes(len(content)),
        "text": b"hello\n",
    }


@pytest.mark.parametrize("command", ["explain", "heatmap"])
@pytest.mark.parametrize("how", damage(b"123456"))
@pytest.mark.some(4)
def test_damaged_files(good, command, how):
    contents = {
        "npz": (good / "good.npz").read_bytes(),
        "safetensors": save(GOOD),
        "json": json.dumps({name: array.tolist() for name, array in GOOD.items()}).encode(),
    }
    for suffix, content in contents.items():
        if (suffix, how) == ("safetensors", "changed"):
            continue  # another number, and no checksum to tell
        path = good / f"bad.{suffix}"
        path.write_bytes(damage(content)[how])
        assert path.name in problem(attnviz(command, "--from", path.name), 1)


@pytest.mark.parametrize("content", ["[]", '"x"', "{}", "null", "3", '{"query": 1}', "[" * 100_000, '{"query": null}'])
def test_json_that_holds_something_else(folder, content):
    (folder / "bad.json").write_text(content)
    assert "bad.json" in problem(attnviz("explain", "--from", "bad.json"), 1)


def test_an_npy_file_under_the_name_of_an_npz(folder):
    with open(folder / "array.npz", "wb") as stream:
        numpy.save(stream, GOOD["query"])
    assert "array.npz" in problem(attnviz("explain", "--from", "array.npz"), 1)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl", ".bin", ".ckpt"])
def test_pickles_are_refused_by_their_names(folder, suffix):
    (folder / f"model{suffix}").write_bytes(b"\x80\x04.")
    assert "is a pickle, which can run any code" in problem(attnviz("explain", "--from", f"model{suffix}"), 1)


class Trap:
    """Writes a file when it is unpickled."""

    def __reduce__(self):
        return (open, ("trapped", "w"))


def test_pickled_objects_are_never_loaded(folder):
    numpy.savez(folder / "trap.npz", **GOOD | {"query": numpy.array([Trap()], dtype=object)})
    numpy.save(folder / "trap.npy", numpy.array([Trap()], dtype=object))
    assert "a pickle" in problem(attnviz("explain", "--from", "trap.npz"), 1)
    assert "a pickle" in problem(attnviz("explain", "a", "--embeddings", "trap.npy"), 1)
    assert not (folder / "trapped").exists()


@pytest.mark.parametrize(
    "metadata",
    [
        {"attnviz": "1"},
        {"attnviz": "1", "trace": "{}"},
        {"attnviz": "1", "trace": "not JSON"},
        {"attnviz": "1", "trace": "[1]"},
        {"attnviz": "1", "trace": '{"tokens": ["a"], "source": {}, "layers": []}'},
        {"attnviz": "1", "trace": '{"tokens": ["a"], "source": {}, "layers": [{}]}'},
        {"attnviz": "2", "trace": "{}"},
        {"tokens": "not JSON"},
    ],
)
def test_damaged_traces(folder, metadata):
    save_file(GOOD, folder / "bad.safetensors", metadata)
    message = problem(attnviz("explain", "--from", "bad.safetensors"), 1)
    assert "bad.safetensors" in message or "layer" in message


def test_a_trace_that_lost_an_array(folder):
    from safetensors import safe_open

    library.trace_text("a b").save(folder / "whole.safetensors")
    with safe_open(folder / "whole.safetensors", "numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys() if not name.endswith("key")}  # noqa: SIM118
        save_file(arrays, folder / "part.safetensors", file.metadata())
    assert "part.safetensors" in problem(attnviz("explain", "--from", "part.safetensors"), 1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("own.json", '{"a": [1, 2], "b": [1]}', "the vectors have 1 and 2 numbers"),
        ("own.json", '{"a": [1, NaN]}', "the vector of a holds a value that is not finite"),
        ("own.json", '{"a": "x"}', "attention needs real numbers"),
        ("own.json", '{"a": []}', "must be a list of numbers"),
        ("own.json", '{"c": [1]}', "has no vector for a, b"),
        ("own.json", "[1]", "expected words, each with its vector"),
        ("own.csv", "a,1,2\nb,x,2\n", "row 2"),
        ("own.csv", "", "expected words, each with its vector"),
        ("own.csv", "a,1\nb,inf\n", "not finite"),
    ],
)
def test_embeddings_that_do_not_fit(folder, name, content, message):
    (folder / name).write_text(content)
    assert message in problem(attnviz("explain", "a b", "--embeddings", name), 1)


def test_embeddings_by_place_need_a_row_for_each_token(folder):
    numpy.save(folder / "own.npy", numpy.ones((3, 2)))
    assert "3 rows but the text has 2 tokens" in problem(attnviz("explain", "a b", "--embeddings", "own.npy"), 1)


@pytest.mark.parametrize(
    ("shapes", "arguments", "message"),
    [
        ({"w_q": (3, 4), "w_k": (3, 4)}, (), "lacks W_V"),
        ({"w_q": (5, 4), "w_k": (3, 4), "w_v": (3, 4)}, ("--dim", 3), "the query weights have 5 rows"),
        ({"w_q": (3, 4), "w_k": (3, 6), "w_v": (3, 4)}, (), "the key weights have 6 columns"),
        ({"w_q": (3, 4), "w_k": (3, 4), "w_v": (3, 4)}, ("--heads", 3), "3 heads cannot share the 4 columns"),
        ({"w_q": (3, 4), "w_k": (3, 4), "w_v": (3, 4), "w_o": (5, 3)}, (), "the output weights have 5 rows"),
        ({"w_q": (3,), "w_k": (3, 4), "w_v": (3, 4)}, (), "the query weights have the shape (3,)"),
    ],
)
@pytest.mark.parametrize("form", ["json", "table"])
def test_weights_that_do_not_fit(folder, shapes, arguments, message, form):
    numpy.savez(folder / "own.npz", **{name: numpy.ones(shape) for name, shape in shapes.items()})
    assert message in problem(attnviz("explain", "a b", "--weights", "own.npz", *arguments, "--format", form), 1)


# Torch


@pytest.mark.parametrize(
    "options", [["--backend", "torch"], ["--device", "cpu"], ["--device", "auto", "--format", "json"]]
)
@pytest.mark.some(2)
def test_without_torch_one_line_says_what_to_install(options):
    code = "import sys; sys.modules['torch'] = None; from attnviz.cli.app import main; sys.exit(main(sys.argv[1:]))"
    run = subprocess.run(
        [sys.executable, "-c", code, "explain", "a", *options], capture_output=True, env=surroundings(), check=False
    )
    assert (run.returncode, run.stdout) == (1, b"")
    message, hint = run.stderr.decode().splitlines()
    assert "needs torch, which is not installed" in message
    assert hint == "attnviz: hint: pip install 'attnviz[torch]'"
