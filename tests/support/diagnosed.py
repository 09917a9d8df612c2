"""Asking for a diagnosis of a planted mistake, and what a sweep counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy
import planted_further  # noqa: F401  (registers them)
import planted_mistakes  # noqa: F401  (registers them)
import torch
from planted_attention import PLANTED, Bug, Problem, attention, problem

from attnviz.analysis.diagnosis.arithmetic import ARITHMETICS
from attnviz.analysis.diagnosis.computing import computed
from attnviz.analysis.diagnosis.diagnose import diagnose
from attnviz.analysis.diagnosis.evidence import Evidence
from attnviz.analysis.diagnosis.fitting import fitted
from attnviz.analysis.diagnosis.inputs import Asked
from attnviz.analysis.diagnosis.inputs import asked as asked_for
from attnviz.analysis.diagnosis.registry import Entry, Fitted, entries
from attnviz.analysis.diagnosis.result import Diagnosis
from attnviz.analysis.diagnosis.search import telling

# What a problem must have for a family of mistakes to be made of it.
NEEDED: dict[str, dict[str, Any]] = {
    "mask": {"mask": True},
    "bias": {"bias": True},
    "sinks": {"sinks": True},
    "softcap": {"softcap": True},
    "window": {"window": True},
    "rope": {"rope": True},
    "causal": {"causal": True},
    "groups": {"groups": True},
    "heads": {"groups": True},
    "causal-extra": {"causal": False},
    "causal-top-left": {"causal": True, "cache": True},
    "causal-bottom-right": {"causal": True, "cache": True, "top_left": True},
    "rope-offset": {"rope": True, "cache": True},
    "window-both-sided": {"window": True, "causal": True},
    "hidden-rows-nan": {"mask": True},
    "key-groups-tiled": {"groups": True},
    "value-groups-tiled": {"groups": True},
    "heads-exchanged": {},
    "mask-of-other-item": {"mask": True, "items": True},
    "chunks-as-window": {"chunks": True, "mask": False, "cache": False, "causal": False, "window": False},
    "maximum-starts-finite": {"low": True, "softcap": False, "rope": False, "scale": False},
    "keys-repeated": {"groups": True, "causal": True, "window": False, "mask": False, "bias": False},
    "bias-slopes": {"alibi": True, "causal": True},
    "bias-offset": {"alibi": True, "causal": True, "cache": True},
    "rope-twice": {"rope": True, "cache": True},
}


def needed(name: str) -> dict[str, Any]:
    return NEEDED.get(name, NEEDED.get(name.partition("-")[0], {}))


def planted_cases(name: str, bug: Bug, count: int, dtype: torch.dtype = torch.float32) -> Iterator[tuple[Problem, Any]]:
    """So many random problems in which the mistake shows, and its output."""
    made = 0
    for seed in range(1, 60 * count):
        if made == count:
            return
        meant = problem(numpy.random.default_rng(seed), dtype, **needed(name.partition("@")[0]))
        output = bug(meant)
        if output is None or torch.allclose(output.nan_to_num(nan=9e9), attention(meant), atol=1e-4):
            continue
        made += 1
        yield meant, output


def asked(meant: Problem, output: Any, **more: Any) -> Diagnosis:
    array = output.float() if output.dtype is torch.bfloat16 else output
    return diagnose(*meant.arrays(), array.numpy(), **meant.options(), **more)


def judged(name: str, found: Diagnosis) -> str:
    """alone, among several, in a pair, or what was said instead."""
    names = [one.name for one in found.mistakes]
    if name not in names:
        return f"{found.verdict}: {', '.join(names)}"
    return "alone" if names == [name] else "among" if found.verdict == "several" else "in a pair"


def counted(name: str, bug: Bug, count: int, dtype: torch.dtype = torch.float32) -> Counter[str]:
    return Counter(
        judged(name.partition("@")[0], asked(meant, output)) for meant, output in planted_cases(name, bug, count, dtype)
    )


def of_family(prefix: tuple[str, ...]) -> list[tuple[str, Bug]]:
    """The planted mistakes whose names begin so."""
    return [(name, bug) for name, bugs in PLANTED.items() for bug in bugs if name.startswith(prefix)]


def asked_of(meant: Problem, output: Any) -> Asked:
    """What ``diagnose`` is asked."""
    options = dict.fromkeys(("scale", "query_offset", "window", "softcap", "mask", "bias", "sinks"))
    given = options | {"causal": False} | meant.options()
    rotation = {name: given.pop(f"rope_{name}", None) for name in ("theta", "dims", "interleaved")}
    return asked_for(*meant.arrays(), output.numpy(), None, given, rotation | {"positions": None})


def evidence_of(meant: Problem, output: Any) -> Evidence:
    """What ``diagnose`` looks at."""
    problem = asked_of(meant, output)
    return Evidence(problem.meant, problem.output, ARITHMETICS["float32"], problem.meant.whole)


def nearest(name: str, meant: Problem, output: Any) -> float:
    """How far the nearest variant of a mistake is from ``output``, in parts of what rounding allows."""
    evidence = evidence_of(meant, output)
    view = telling(evidence)
    made = [
        fitted(evidence, one, view) if isinstance(one, Fitted) else one for one in entry(name).variants(evidence.meant)
    ]
    if "@" in name:
        return min(float(evidence.judge(one.recipe, view).apart.max()) for one in made if one is not None)
    return min(float(evidence.judge(one.recipe, evidence.view).apart.max()) for one in made if one is not None)


def entry(name: str) -> Entry:
    return next(one for one in entries() if one.name == name.partition("@")[0])


def require_shapes(family: str, **more: Any) -> None:
    """Each variant of each mistake of a family can be computed, and gives as many numbers as were meant."""
    for options in RICH:
        evidence = evidence_of(*_meant(options | more))
        mine = [one for one in entries() if one.variants.__module__.endswith(f".{family}")]
        assert mine
        for one in mine:
            for variant in one.variants(evidence.meant):
                recipe = variant.make(variant.starts[0]) if isinstance(variant, Fitted) else variant.recipe
                assert computed(recipe).output.shape == evidence.output.shape, one.name


def _meant(options: dict[str, Any]) -> tuple[Problem, torch.Tensor]:
    meant = problem(numpy.random.default_rng(3), **options)
    return meant, attention(meant)


# With everything, and square or with as many key heads as heads; with everything and a cache; with nothing.
ALL = {"mask": True, "bias": True, "sinks": True, "softcap": True, "window": True, "rope": True, "causal": True}
RICH: tuple[dict[str, Any], ...] = (
    ALL | {"groups": True, "items": True, "cache": False, "same": True},
    ALL | {"equal": True, "cache": False, "same": True},
    ALL | {"groups": True, "items": True, "cache": True, "causal": False},
    dict.fromkeys((*ALL, "cache", "scale"), False) | {"groups": True, "same": True},
)
