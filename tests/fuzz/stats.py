"""Files of statistics: whole ones changed at random, and records that fit their checksum and say anything."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy
from fuzzing import mutated
from hypothesis import strategies as st
from made_corpora import measured
from made_effects import gathered, made_effects
from safetensors.numpy import load, save
from strategies import json_values

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.corpus.state_file import _checksum
from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.analysis.saved_corpus import merged_parts
from attnviz.renderers.effects.stats import EffectStats
from attnviz.renderers.stats.stats import Stats


def _whole() -> bytes:
    statistics = measured((0, 3, 5), quantiles=(0.5,), top_texts=2)
    statistics.skip("too long", "line 9")
    statistics.regions = frozenset({(range(2), None)})
    return statistics.to_bytes()


def _effects() -> bytes:
    statistics = EffectStatistics(quantiles=(0.5,), top_texts=2)
    for number in range(3):
        statistics.add(made_effects(loss=float(number)), f"line {number}")
    return statistics.to_bytes()


def _parts(content: bytes) -> tuple[dict[str, Any], dict[str, str], dict[str, numpy.ndarray]]:
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    return json.loads(metadata["statistics"]), metadata, load(content)


WHOLE = _whole()
PARTS = [_parts(WHOLE), _parts(gathered().to_bytes()), _parts(_effects())]
HARD = st.sampled_from(
    [10**30, 2**63, -1, True, 1e308, "\x1b[31m", "a\n\x85", "\ud800", [[]] * 50, {}, "weights", "effects"]
)


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for name, one in items for found in _places(one, (*place, name)))]


@st.composite
def _rewritten(draw: st.DrawFn) -> bytes:
    """A file that somebody wrote on purpose: its record and its arrays say other things, and its checksum fits."""
    record, metadata, arrays = copy.deepcopy(draw(st.sampled_from(PARTS)))
    for _ in range(draw(st.integers(0, 3))):
        *steps, last = draw(st.sampled_from([place for place in _places(record) if place]))
        owner: Any = record
        for step in steps:
            owner = owner[step]
        owner[last] = copy.deepcopy(draw(json_values() | HARD))  # later changes may go into it
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(sorted(arrays)))
        flat = arrays[name].reshape(-1).view("u1").copy()
        for _ in range(draw(st.integers(0, 4)) if len(flat) else 0):
            flat[draw(st.integers(0, len(flat) - 1))] = draw(st.integers(0, 255))
        arrays[name] = flat.view(arrays[name].dtype).reshape(arrays[name].shape)
    text = json.dumps(record)
    return save(arrays, metadata | {"statistics": text, "sha256": _checksum(text, arrays)})


CASES = st.one_of(mutated(WHOLE), _rewritten())


def check(case: bytes) -> None:
    found = merged_parts([("own.stats", case)])
    shown = Stats(found) if isinstance(found, Statistics) else EffectStats(found)
    assert shown.to_json()
    assert shown.to_csv()
    assert str(shown)
    assert merged_parts([("own.stats", found.to_bytes())]).texts == found.texts
