"""The looks of a trace: each is the public call of its name."""

from __future__ import annotations

from importlib import import_module

import pytest

from attnviz import trace_text


@pytest.mark.parametrize(
    ("method", "options", "function"),
    [
        ("explain", {"head": 0}, "attnviz.api.explain"),
        ("heatmap", {"head": 0}, "attnviz.api.heatmap"),
        ("to_html", {"layer": 3}, "attnviz.api.html"),
        ("to_json", {"step": "weights"}, "attnviz.api.data.to_json"),
        ("to_csv", {"query": 1}, "attnviz.api.data.to_csv"),
        ("stats", {"near": 3}, "attnviz.api.stats.stats"),
        ("written", {"tokens": 3}, "attnviz.api.written.written"),
        ("_repr_html_", {}, "attnviz.api.notebook_frame"),
    ],
)
def test_a_method_calls_its_public_function(method, options, function, monkeypatch):
    trace = trace_text("a b")
    module, _, name = function.rpartition(".")
    monkeypatch.setattr(import_module(module), name, lambda *given, **named: (given, named))
    given, named = getattr(trace, method)(**options)
    assert given[0] is trace
    assert named == options


def test_a_picture_may_have_a_path(monkeypatch):
    from attnviz import api

    monkeypatch.setattr(api, "heatmap", lambda _, path, **named: (path, named))
    assert trace_text("a b").heatmap("a.png", head=0) == ("a.png", {"head": 0})
