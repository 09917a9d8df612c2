"""A dump: what it holds by which names, what was meant, and what is told where it lacks something."""

from __future__ import annotations

import json

import numpy
import pytest
from array_files import SUFFIXES, normal, three, written
from numpy.testing import assert_array_equal

from attnviz.errors import AttnvizError
from attnviz.sources.files.dump import read_dump

OUTPUT = {"output": normal(2, 3, 4)}


@SUFFIXES
@pytest.mark.parametrize("names", [("query", "key", "value", "output"), ("Q", "k", "V", "O"), ("q", "key", "v", "OUT")])
def test_names_in_any_case_and_short(tmp_path, suffix, names):
    path = written(tmp_path / f"own{suffix}", dict(zip(names, (three() | OUTPUT).values(), strict=True)))
    dump = read_dump(path)
    assert_array_equal(dump.query, three()["query"])
    assert_array_equal(dump.value, three()["value"])
    assert_array_equal(dump.given["output"], OUTPUT["output"])
    assert (dump.meant, dump.unread) == ({}, ())


@SUFFIXES
def test_what_was_meant(tmp_path, suffix):
    arrays = {"bias": normal(3, 3), "sinks": normal(2), "positions": numpy.arange(3)}
    numbers = {"scale": 0.5, "query_offset": 2, "window": 3, "softcap": 4.0, "rope_theta": 1e4, "rope_dims": 2}
    truths = {"causal": True, "rope_interleaved": False}
    path = written(tmp_path / f"own{suffix}", three() | OUTPUT | arrays | numbers | truths)
    meant = dict(read_dump(path).meant)
    for name, array in arrays.items():
        assert_array_equal(meant.pop(name), array)
    assert meant == numbers | truths
    assert {type(value) for value in meant.values()} == {float, int, bool}


@SUFFIXES
def test_a_mask_under_torchs_name_is_a_bias_where_it_holds_numbers(tmp_path, suffix):
    visible = numpy.tri(3, dtype=bool)
    for array, name in ((visible, "mask"), (normal(3, 3), "bias")):
        path = written(tmp_path / f"own{suffix}", three() | OUTPUT | {"attn_mask": array})
        [(found, read)] = read_dump(path).meant.items()
        assert found == name
        assert_array_equal(read, array)


@SUFFIXES
def test_weights_in_place_of_an_output(tmp_path, suffix):
    for name in ("weights", "attentions"):
        path = written(tmp_path / f"own{suffix}", three() | {name: normal(2, 3, 3)})
        assert_array_equal(read_dump(path).given["weights"], normal(2, 3, 3))


def test_json_may_say_nan(tmp_path):
    path = written(tmp_path / "own.json", three())
    content = json.loads(path.read_text()) | {"output": [[[float("nan")]]]}
    path.write_text(json.dumps(content))
    assert numpy.isnan(read_dump(path).given["output"]).all()


def test_what_is_not_read_is_named(tmp_path):
    path = written(tmp_path / "own.npz", three() | OUTPUT | {"gradient": normal(2), "tokens": ["a", "b", "c"]})
    assert read_dump(path).unread == ("gradient", "tokens")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"query": normal(2), "output": normal(2)}, "lacks key, value: it holds query, output"),
        (three(), "does not hold what your code computed: it holds query, key, value"),
        (three() | OUTPUT | {"weights": normal(2)}, "holds an output and weights: which of them is to be diagnosed?"),
        (three() | OUTPUT | {"out": normal(2)}, "holds output and out, which both mean output: keep one"),
        (three() | OUTPUT | {"scale": normal(2)}, "scale must be one number"),
        (three() | OUTPUT | {"window": 1.5}, "window must be one whole number"),
        (three() | OUTPUT | {"rope_interleaved": 2}, "rope_interleaved must be true or false"),
        (three() | OUTPUT | {"mask": ["a"]}, "own.npz: mask holds str"),
    ],
)
def test_what_a_dump_lacks_is_told(tmp_path, content, message):
    path = written(tmp_path / "own.npz", content)
    with pytest.raises(AttnvizError) as told:
        read_dump(path)
    assert message in told.value.message


def test_objects_are_never_read(tmp_path):
    path = tmp_path / "own.npz"
    numpy.savez(path, **three(), output=numpy.array([print], dtype=object))
    with pytest.raises(AttnvizError, match="holds Python objects"):
        read_dump(path)
    path = tmp_path / "own.pt"
    path.write_bytes(b"\x80\x04.")
    with pytest.raises(AttnvizError, match="is a pickle"):
        read_dump(path)


def test_the_bytes_may_have_been_read(tmp_path):
    path = written(tmp_path / "own.npz", three() | OUTPUT)
    content = path.read_bytes()
    path.unlink()
    assert_array_equal(read_dump(path, content).given["output"], OUTPUT["output"])
