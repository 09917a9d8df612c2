"""From query, key, value and an output to a diagnosis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy

from attnviz.analysis.diagnosis.apart import Part, mistakes_apart, parts_explained
from attnviz.analysis.diagnosis.arithmetic import ARITHMETICS, Arithmetic, arithmetic_named, arithmetic_of
from attnviz.analysis.diagnosis.departure import departure
from attnviz.analysis.diagnosis.evidence import Evidence
from attnviz.analysis.diagnosis.inputs import Asked, asked
from attnviz.analysis.diagnosis.noise import dropout
from attnviz.analysis.diagnosis.recipe import Rounded
from attnviz.analysis.diagnosis.result import Diagnosis, Verdict
from attnviz.analysis.diagnosis.search import Explanation, explanations, is_noise
from attnviz.analysis.diagnosis.suggestion import suggestion
from attnviz.analysis.diagnosis.telling import compared, mistakes_of, recovered
from attnviz.analysis.diagnosis.views import cut

TF32_BITS = 11  # of the significand, the first of which is not stored
HARDLY = 0.1  # of the difference


def diagnose(
    query: Any,
    key: Any,
    value: Any,
    output: Any = None,
    *,
    weights: Any = None,
    scale: float | None = None,
    causal: bool = False,
    query_offset: int | None = None,
    window: int | None = None,
    softcap: float | None = None,
    mask: Any = None,
    bias: Any = None,
    sinks: Any = None,
    rope_theta: float | None = None,
    rope_dims: int | None = None,
    rope_interleaved: bool = False,
    positions: Any = None,
    dtype: str | None = None,
) -> Diagnosis:
    """What is wrong with ``output``, or ``weights``, of attention that was meant to be as the rest says; see ``attnviz.diagnose``."""
    rule = {"scale": scale, "causal": causal, "query_offset": query_offset, "window": window, "softcap": softcap}
    arrays = {"mask": mask, "bias": bias, "sinks": sinks}
    rotation = {"theta": rope_theta, "dims": rope_dims, "interleaved": rope_interleaved, "positions": positions}
    problem = asked(query, key, value, output, weights, rule | arrays, rotation)
    arithmetic = arithmetic_of(problem.output, problem.dtype) if dtype is None else arithmetic_named(dtype)
    return _diagnosed(problem, arithmetic, widen=dtype is None)


def _diagnosed(problem: Asked, arithmetic: Arithmetic, widen: bool) -> Diagnosis:
    """Correct, explained, correct with coarser products, or unknown: the first that holds."""
    view = cut(problem, arithmetic.unit)
    evidence = Evidence(problem.meant, problem.output, arithmetic, view)
    if widen and arithmetic.name == "float64" and not evidence.judged.fine.all():  # numbers that were single before
        evidence = replace(evidence, arithmetic=ARITHMETICS["float32"])
    if evidence.judged.fine.all():
        return _told(evidence, Verdict.CORRECT)
    coarse = (
        replace(evidence, arithmetic=ARITHMETICS["tf32"]) if widen and evidence.arithmetic.name == "float32" else None
    )
    if coarse is not None and coarse.judged.fine.all() and _has_coarse_products(evidence):
        return _told(coarse, Verdict.CORRECT)
    found = explanations(evidence)
    if found:
        return _explained(evidence, found)
    if coarse is not None and coarse.judged.fine.all() and is_noise(coarse.judged):
        return _told(coarse, Verdict.CORRECT)
    noise = dropout(evidence)
    if noise is not None:
        return _explained(evidence, [noise])
    ways = parts_explained(evidence)
    return _apart(evidence, ways) if ways else _unknown(evidence)


def _has_coarse_products(evidence: Evidence) -> bool:
    """Whether hardly anything is left where the factors of all products are rounded to TF32's ten bits; a few numbers lie
    in the middle between two, and are rounded either way."""
    coarse = evidence.meant.but(rounded=Rounded(TF32_BITS, TF32_BITS, weights=TF32_BITS))
    return evidence.left(coarse, evidence.view) < HARDLY * evidence.left(evidence.meant, evidence.view)


def _told(evidence: Evidence, verdict: Verdict, **more: Any) -> Diagnosis:
    error, tolerance = evidence.worst(evidence.judged)
    meant = evidence.meant
    rows = (int(numpy.prod(evidence.view.shape)), meant.items * meant.heads * meant.queries)
    return Diagnosis(verdict, error, tolerance, evidence.arithmetic.name, rows=rows, **more)


def _explained(evidence: Evidence, found: list[Explanation]) -> Diagnosis:
    return _told(
        evidence,
        Verdict.MISTAKE if len(found) == 1 else Verdict.SEVERAL,
        explanations=tuple(mistakes_of(evidence, one) for one in found),
        departs=departure(evidence),
        suggestion=suggestion(evidence.meant, found) if len(found) > 1 else None,
        compared=tuple(compared(evidence, one) for one in found),
    )


def _apart(evidence: Evidence, ways: list[list[Part]]) -> Diagnosis:
    return _told(
        evidence,
        Verdict.MISTAKE if len(ways) == 1 else Verdict.SEVERAL,
        explanations=tuple(mistakes_apart(parts) for parts in ways),
        departs=departure(evidence),
        compared=tuple(compared(*parts[0]) for parts in ways),
    )


def _unknown(evidence: Evidence) -> Diagnosis:
    return _told(evidence, Verdict.UNKNOWN, departs=departure(evidence), compared=(recovered(evidence),))
