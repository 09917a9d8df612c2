"""A page as a whole: how large it is, which trace it is of, and in which language."""

from __future__ import annotations

import pytest
from random_traces import random_trace

from attnviz import AttnvizError, trace_text


def test_twelve_layers_of_twelve_heads_of_256_tokens_take_less_than_ten_megabytes():
    assert len(random_trace(12, 12, 256, 64, causal=True).to_html()) < 6e6
    assert len(random_trace(12, 12, 256, 64).to_html()) < 10e6


def test_a_smaller_budget_takes_smaller_numbers():
    trace = random_trace(4, 4, 120, 64)
    assert len(trace.to_html(max_size=50)) > 1.5e6
    assert len(trace.to_html(max_size=1.5)) < 1.5e6


def test_torch_tensors_make_the_same_page():
    trace = trace_text("Your journey starts", heads=2, causal=True)
    assert trace.to("torch").to_html() == trace.to_html()


def test_to_html_knows_its_languages():
    trace = trace_text("a b")
    assert '<html lang="vi">' in trace.to_html(language="vi")
    with pytest.raises(AttnvizError, match="language is 'fr': there are en, vi"):
        trace.to_html(language="fr")
