"""The record in the middle: its tokens and layers, saved, loaded and moved."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy
import pytest
import torch
from numpy.testing import assert_allclose
from safetensors.numpy import save
from traces_of_all_kinds import cross_layer, normal, self_layer

from attnviz.attention.formula import attend
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace, load

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


def test_a_trace_is_read_without_torch(tmp_path):
    path = tmp_path / "trace.safetensors"
    tensor = torch.from_numpy(normal(2, 3, 4)).bfloat16()
    Trace(("a", "b", "c"), (Layer(tensor, tensor, tensor, Rule(causal=True)),)).save(path)
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import attnviz\n"
        f"print(attnviz.load({str(path)!r}).layers[0].steps().weights[1, 2].tolist())\n"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    expected = attend(tensor, tensor, tensor, causal=True).weights[1, 2]
    assert_allclose(json.loads(printed), expected, rtol=1e-6)


def test_arrays_are_not_a_trace(tmp_path):
    (tmp_path / "arrays.safetensors").write_bytes(save({"query": numpy.ones((2, 2))}))
    with pytest.raises(AttnvizError, match="holds arrays, not a saved trace"):
        load(tmp_path / "arrays.safetensors")


def test_a_trace_of_a_later_format_asks_for_an_update(tmp_path):
    content = save({"query": numpy.ones((2, 2))}, {"attnviz": "2", "trace": "{}"})
    (tmp_path / "trace.safetensors").write_bytes(content)
    with pytest.raises(AttnvizError, match="format 2, this attnviz reads format 1") as error:
        load(tmp_path / "trace.safetensors")
    assert error.value.hint == "update attnviz"


def test_a_trace_needs_a_layer():
    with pytest.raises(AttnvizError, match="at least one layer"):
        Trace(("a",), ())


@pytest.mark.parametrize(
    ("tokens", "layer", "words"),
    [
        (("a", "b"), self_layer(), "2 tokens but query has 3"),
        (("a", "b", "c"), replace(cross_layer(), tokens=("le",)), "1 tokens but query has 2"),
        (("le", "chat"), replace(cross_layer(), key_tokens=("the",)), "1 tokens but key has 5"),
        (("le", "chat"), replace(cross_layer(), key_tokens=None), "2 tokens but key has 5"),
    ],
)
def test_tokens_and_rows_are_as_many(tokens, layer, words):
    with pytest.raises(AttnvizError, match=words):
        Trace(tokens, (layer,))


def test_lone_surrogates_are_written_out_on_every_side():
    layer = replace(cross_layer(), tokens=("\udc80", "b"), key_tokens=("\ud800", *"bcde"))
    trace = Trace(("\udc80", "b"), (layer,))
    assert trace.tokens[0] == trace.query_tokens(trace.layers[0])[0] == r"\udc80"
    assert trace.key_tokens(trace.layers[0])[0] == r"\ud800"
