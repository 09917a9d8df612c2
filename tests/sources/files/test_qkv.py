"""Arrays on disk become a trace."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy
import pytest
import torch
from array_files import SAMPLES, SUFFIXES, normal, three, written
from hypothesis import given, settings
from numpy.testing import assert_allclose
from strategies import json_values

from attnviz.attention.formula import attend
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.sources.files.qkv import read_trace
from attnviz.sources.files.toy_parts import read_weights
from attnviz.sources.toy.toy import Toy
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


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


def test_lone_surrogates_in_json_are_written_out(tmp_path):
    path = tmp_path / "own.json"
    path.write_text(r'{"q": [[1]], "k": [[1]], "v": [[1]], "tokens": ["\ud800"], "key_tokens": ["\udc80"]}')
    trace = read_trace(path)
    assert (trace.tokens, trace.key_tokens(trace.layers[0])) == ((r"\ud800",), (r"\udc80",))


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


@pytest.mark.parametrize(
    "name",
    ["query", "mask", "bias", "sinks", "tokens", "key_tokens", "scale", "causal", "query_offset", "window", "softcap"],
)
@settings(max_examples=60)
@given(value=json_values())
@pytest.mark.some(4)
def test_any_value_in_json_is_read_or_an_error(tmp_path_factory, name, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps({"query": [[1, 2]], "key": [[1, 2]], "value": [[1, 2]], name: value}))
    usable(read_trace, path)
