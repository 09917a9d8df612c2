"""A model is switched while it is watched, by one thread or by several that each see their own passes, and is then as it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch
from tiny_models import inputs, model
from watched_models import PLAIN_CODE, forward

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.switching import UnwatchedError, seeing, switched_for, watching
from attnviz.sources.huggingface.watch import Watch


def test_the_model_is_left_as_it_was(traced):
    name, network, given, _ = traced
    assert network.config._attn_implementation == ("eager" if name in PLAIN_CODE else "sdpa")
    network.train()
    trace_model(network, given)
    assert network.training
    network.eval()


def test_a_model_that_ignores_the_switch_is_refused():
    network = model("XLNet")
    with pytest.raises(UnwatchedError, match="XLNetModel computes attention in its own way"), watching(network):
        forward(network, inputs("XLNet"))
    assert network.config._attn_implementation == "eager"


def test_threads_take_turns():
    network, given = model("Llama"), inputs("Llama")
    with ThreadPoolExecutor(4) as threads:
        traces = list(threads.map(lambda _: trace_model(network, given), range(12)))
    assert {len(trace.layers) for trace in traces} == {2}
    assert network.config._attn_implementation == "sdpa"


def test_a_model_is_watched_once_at_a_time():
    network = model("Llama")
    with (
        pytest.raises(AttnvizError, match="a model is already being watched") as error,
        watching(network),
        watching(network),
    ):
        pass
    assert "before you start the next" in error.value.hint
    assert network.config._attn_implementation == "sdpa"


def test_another_thread_does_not_run_a_watched_model():
    network, given = model("Llama"), inputs("Llama")
    with watching(network), ThreadPoolExecutor(1) as threads:
        forward(network, given)
        with pytest.raises(AttnvizError, match="another thread runs this model while it is watched"):
            threads.submit(forward, network, given).result(timeout=60)


def test_threads_that_see_their_own_passes_run_a_switched_model_at_the_same_time():
    network, together = model("Llama"), Barrier(2, timeout=60)
    # A layer of one is never done before the same of the other.
    lead = Watch(network, progress=lambda _: together.wait())
    givens = [inputs("Llama", tokens=tokens) for tokens in (5, 9)]

    def keys(given):
        watch = lead.beside()
        try:
            with seeing(watch):
                forward(network, given)
        except Exception:
            together.abort()  # the other need not wait for this one
            raise
        return [layer for layer, _ in watch.kept]

    with switched_for(lead), ThreadPoolExecutor(2) as threads:
        beside = list(threads.map(keys, givens))
    for given, found in zip(givens, beside, strict=True):
        for one, other in zip(found, trace_model(network, given).layers, strict=True):
            torch.testing.assert_close(one.key, other.key)
            torch.testing.assert_close(one.projections["output"].weight, other.projections["output"].weight)
    assert network.config._attn_implementation == "sdpa"
