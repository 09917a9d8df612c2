"""attnviz shows what attention computes, step by step, with real numbers.

attend(query, key, value, …) returns every step of the formula; trace_text(text, …), trace_model(model, text, …) and
load(path) return a Trace, which holds tokens, Q, K and V, computes the steps of any head, and can be saved.
trace_arrays(query, key, value) makes one of your own arrays, trace_weights(attentions, tokens) of weights that another program computed. roles(model)
finds the heads of a model that have a role, and proves it; stats(texts) measures what heads do, over those that read_texts(files) reads too, and merge_stats(files) joins what was measured apart; across(trace, "rollout") follows attention through layers; record(module) records the attention of any module of PyTorch;
diagnose(query, key, value, output, …) names the mistake in an implementation; diff(first, second, …) tells which heads
of two traces differ; learn(chapter) opens a chapter of the course.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnviz.analysis.diagnosis.result import Diagnosis
    from attnviz.analysis.difference.result import Difference
    from attnviz.api import generate, load, trace_arrays, trace_model, trace_text
    from attnviz.api.across import across
    from attnviz.api.diagnose import diagnose
    from attnviz.api.diff import diff
    from attnviz.api.learn import learn
    from attnviz.api.manual import manual
    from attnviz.api.merge_stats import merge_stats
    from attnviz.api.read_texts import read_texts
    from attnviz.api.record import record
    from attnviz.api.retrieval import retrieval
    from attnviz.api.roles import roles
    from attnviz.api.stats import stats
    from attnviz.api.weights import trace_weights
    from attnviz.attention.formula import Steps, attend
    from attnviz.attention.rule import Rule
    from attnviz.errors import AttnvizError
    from attnviz.pooling.pool import pool
    from attnviz.pooling.result import Pooled
    from attnviz.renderers.stats.stats import Stats
    from attnviz.trace.layer import Layer
    from attnviz.trace.projection import Projection
    from attnviz.trace.trace import Trace

__version__ = "0.1.0"

__all__ = [
    "AttnvizError",
    "Diagnosis",
    "Difference",
    "Layer",
    "Pooled",
    "Projection",
    "Rule",
    "Stats",
    "Steps",
    "Trace",
    "__version__",
    "across",
    "attend",
    "diagnose",
    "diff",
    "generate",
    "learn",
    "load",
    "manual",
    "merge_stats",
    "pool",
    "read_texts",
    "record",
    "retrieval",
    "roles",
    "stats",
    "trace_arrays",
    "trace_model",
    "trace_text",
    "trace_weights",
]

# Where each public name lives; loaded when it is first used (PEP 562), so that the command line starts fast.
_MODULES = {
    "AttnvizError": "attnviz.errors",
    "Diagnosis": "attnviz.analysis.diagnosis.result",
    "Difference": "attnviz.analysis.difference.result",
    "Layer": "attnviz.trace.layer",
    "Pooled": "attnviz.pooling.result",
    "Projection": "attnviz.trace.projection",
    "Rule": "attnviz.attention.rule",
    "Stats": "attnviz.renderers.stats.stats",
    "Steps": "attnviz.attention.formula",
    "Trace": "attnviz.trace.trace",
    "across": "attnviz.api.across",
    "attend": "attnviz.attention.formula",
    "diagnose": "attnviz.api.diagnose",
    "diff": "attnviz.api.diff",
    "generate": "attnviz.api",
    "learn": "attnviz.api.learn",
    "load": "attnviz.api",
    "manual": "attnviz.api.manual",
    "merge_stats": "attnviz.api.merge_stats",
    "pool": "attnviz.pooling.pool",
    "read_texts": "attnviz.api.read_texts",
    "record": "attnviz.api.record",
    "retrieval": "attnviz.api.retrieval",
    "roles": "attnviz.api.roles",
    "stats": "attnviz.api.stats",
    "trace_arrays": "attnviz.api",
    "trace_model": "attnviz.api",
    "trace_text": "attnviz.api",
    "trace_weights": "attnviz.api.weights",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'attnviz' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
