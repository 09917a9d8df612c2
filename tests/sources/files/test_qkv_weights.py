"""When a file is read as weights alone, what stands beside them, and tokens that come from a text."""

from __future__ import annotations

import os
import threading

import numpy
import pytest

from attnviz.errors import AttnvizError, UsageError
from attnviz.sources.files.qkv import read_trace

GIVEN = numpy.full((2, 1, 4, 4), 0.25)
VECTORS = numpy.ones((1, 4, 2))
WHOLE = {"query": VECTORS, "key": VECTORS, "value": VECTORS}


@pytest.fixture
def saved(tmp_path):
    """saved(weights=…, tokens=…) → the file that holds these."""

    def save(**fields):
        numpy.savez(tmp_path / "own.npz", **fields)
        return tmp_path / "own.npz"

    return save


def test_query_key_and_value_come_first(saved):
    trace = read_trace(saved(**WHOLE, weights=GIVEN))
    assert (trace.layers[0].weights, trace.source.unread) == (None, ("weights",))


def test_weights_are_read_where_one_of_the_three_is_missing(saved):
    trace = read_trace(saved(key=VECTORS, value=VECTORS, weights=GIVEN))
    assert [layer.weights.tolist() for layer in trace.layers] == GIVEN.tolist()
    assert trace.source.unread == ("key", "value")
    with pytest.raises(AttnvizError, match="lacks query: it holds key, value") as raised:
        read_trace(saved(key=VECTORS, value=VECTORS))
    assert "weights alone, weights or attentions" in raised.value.hint


def test_a_text_brings_the_tokens_of_arrays_that_have_none(saved, tmp_path):
    for fields in ({"weights": GIVEN}, WHOLE):
        assert read_trace(saved(**fields), text="a b  c\nd").tokens == ("a", "b", "c", "d")
        with pytest.raises(UsageError, match="holds its own tokens, and a text is given as well"):
            read_trace(saved(**fields, tokens=list("abcd")), text="a b c d")
        read_trace(saved(**fields)).save(tmp_path / "saved.safetensors")
        with pytest.raises(UsageError, match="holds its own tokens"):
            read_trace(tmp_path / "saved.safetensors", text="a b c d")


def test_a_mask_beside_weights_hides_and_options_replace_what_the_file_says(saved):
    lower = numpy.tril(numpy.ones((1, 1, 4, 4))) / numpy.arange(1, 5)[:, None]
    path = saved(weights=lower, attn_mask=numpy.tri(4, dtype=bool))
    assert read_trace(path).layers[0].steps(0).hidden.tolist() == (~numpy.tri(4, dtype=bool)).tolist()
    assert read_trace(path, {"causal": True}).layers[0].rule.causal


def test_a_pipe_gives_its_bytes_once(saved, tmp_path):
    content = saved(weights=GIVEN).read_bytes()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(content))
    writer.start()
    assert len(read_trace(tmp_path / "pipe").layers) == 2
    writer.join()
