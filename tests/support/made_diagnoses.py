"""Diagnoses that are made up: one of each kind, in place of what an engine would find."""

from __future__ import annotations

import math
from typing import Any

import numpy

from attnviz.analysis.diagnosis.result import Compared, Departure, Diagnosis, Mistake, Place, Suggestion, Verdict

TOP_LEFT = Mistake("causal-top-left", before=0.41, after=2e-7)
SCALE = Mistake("scale-value", value=0.1767766952966369, before=0.2, after=3e-7)
TILED = Mistake(
    "groups-tiled",
    heads=(0, 2, 3, 4),
    queries=(range(16, 32),),
    keys=(range(1), range(4, 6)),
    items=(1,),
    before=0.3,
    after=1e-7,
)
NAN = Mistake("hidden-rows-nan", queries=(range(2, 3),), items=(0, 1), heads=(3,), before=math.inf, after=1e-7)


def named(name: str) -> Mistake:
    """The mistake of this name, everywhere."""
    return Mistake(name, before=0.5, after=1e-7)


def weights(rows: int, keys: int, seed: int = 0) -> numpy.ndarray:
    """Causal weights, the last query at the last key, (rows, keys)."""
    exponentials = numpy.exp(numpy.random.default_rng(seed).standard_normal((rows, keys)))
    visible = numpy.tri(rows, keys, keys - rows)
    return exponentials * visible / (exponentials * visible).sum(-1, keepdims=True)


def compared(rows: int = 6, keys: int = 9, item: int = 0, head: int = 3, start: int = 0) -> Compared:
    """What was meant, and the same with other scores."""
    return Compared(item, head, range(start, start + rows), weights(rows, keys), weights(rows, keys, 1))


def made(verdict: Verdict = Verdict.MISTAKE, *explanations: tuple[Mistake, ...], **fields: Any) -> Diagnosis:
    """A diagnosis of this verdict, and of these explanations."""
    usual = {"compared": tuple(compared() for _ in explanations), "rows": (48, 48)}
    return Diagnosis(verdict, fields.pop("error", 0.41), 1e-6, "float32", explanations, **usual | fields)


def departure(**fields: Any) -> Departure:
    """Where an unknown mistake shows."""
    usual: dict[str, Any] = {
        "first": Place(0, 1, 5),
        "heads": (1, 2),
        "queries": (range(5, 6),),
        "items": "all",
        "keys": range(16, 32),
        "share": 0.25,
        "finite": True,
        "follows": ("heads", "tiles-16"),
    }
    return Departure(**usual | fields)


EXACT = made(Verdict.CORRECT, error=0.0)
CORRECT = made(Verdict.CORRECT, error=3.2e-7)
ONE = made(Verdict.MISTAKE, (TOP_LEFT,))
PAIR = made(Verdict.MISTAKE, (SCALE, TILED), rows=(64, 4096))
SEVERAL = made(Verdict.SEVERAL, (TOP_LEFT,), (SCALE, NAN), suggestion=Suggestion(4, 2, 3, 5, 8, 6))
UNTOLD = made(Verdict.SEVERAL, (TOP_LEFT,), (TILED,))
UNKNOWN = made(Verdict.UNKNOWN, departs=departure(), compared=(compared(),))
INFINITE = made(
    Verdict.UNKNOWN,
    error=math.inf,
    departs=departure(first=Place(2, 0, 0), keys=None, finite=False, items=(2,)),
    compared=(compared()._replace(computed=None),),
)
EVERY_OTHER = tuple(range(0, 40, 2))
FOLLOWS = ("heads", "items", "positions", "keys", "tiles-16", "tiles-32", "tiles-64", "tiles-128", "magnitude")
FOLLOWING = made(
    Verdict.UNKNOWN,
    departs=departure(follows=FOLLOWS, keys=range(3, 4), heads=EVERY_OTHER),
    compared=(compared()._replace(computed=None),),
)
EVERY = (EXACT, CORRECT, ONE, PAIR, SEVERAL, UNTOLD, UNKNOWN, INFINITE, FOLLOWING)
