"""Dumps of attention: whole ones changed at random, and ones whose arrays and numbers hardly fit."""

from __future__ import annotations

import io
import tempfile
import warnings
from pathlib import Path

import numpy
from fuzzing import mutated
from hypothesis import strategies as st

from attnviz.renderers.diagnosis.diagnosis_json import to_json
from attnviz.text.lessons import lessons

DRAW = numpy.random.default_rng(0)
ARRAYS = {name: DRAW.standard_normal((2, 3, 2)) for name in ("query", "key", "value", "output")}
SIZES = st.sampled_from([0, 1, 2, 3, 5])
SHAPES = st.lists(SIZES, max_size=5).map(tuple) | st.sampled_from([(2, 3, 2), (1, 2, 3, 2), (3, 3), (2, 3, 3)])
FILLED = st.sampled_from([0.0, 1.0, -1.0, 1e-40, 1e38, 1e300, numpy.inf, -numpy.inf, numpy.nan])
TYPES = st.sampled_from(["f8", "f4", "f2", "?", "i1", "u8"])
NUMBERS = st.sampled_from([-1, 0, 1, 2, 0.5, 3, 1e-9, 1e9, 2**60, numpy.nan, numpy.inf, True])
# The shape that fits, of each array that may stand beside the others or in place of one.
FITTING = {
    **dict.fromkeys(ARRAYS, (2, 3, 2)),
    **dict.fromkeys(("mask", "attn_mask", "bias"), (3, 3)),
    "sinks": (2,),
    "positions": (3,),
    "weights": (2, 3, 3),
}
RULE = st.sampled_from(
    ["scale", "causal", "query_offset", "window", "softcap", "rope_theta", "rope_dims", "rope_interleaved"]
)


@st.composite
def _arrays(draw: st.DrawFn) -> dict[str, numpy.ndarray]:
    """Some arrays by their names, most of a shape that fits; weights alone stand for the output."""
    names = draw(st.lists(st.sampled_from(sorted(FITTING)), max_size=4, unique=True))
    return {name: draw(_array(FITTING[name])) for name in names}


@st.composite
def _array(draw: st.DrawFn, fitting: tuple[int, ...]) -> numpy.ndarray:
    """Random numbers, or all the same, of any shape and type; some of them are no numbers."""
    shape, kind = draw(st.one_of(*[st.just(fitting)] * 5, SHAPES)), draw(st.one_of(*[st.just("f4")] * 3, TYPES))
    array = numpy.random.default_rng(draw(st.integers(0, 9))).standard_normal(shape)
    if draw(st.booleans()):
        array = numpy.full(shape, draw(FILLED))
    if array.size and draw(st.booleans()):
        array.flat[draw(st.integers(0, array.size - 1))] = draw(FILLED)
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return array.astype(kind)


def _saved(content: dict[str, object]) -> bytes:
    stream = io.BytesIO()
    numpy.savez(stream, **content)
    return stream.getvalue()


def _dump(arrays: dict[str, numpy.ndarray], numbers: dict[str, object]) -> bytes:
    """A whole dump, changed."""
    whole = {name: array for name, array in ARRAYS.items() if name != "output" or "weights" not in arrays}
    return _saved(whole | arrays | numbers)


MADE = st.builds(_dump, _arrays(), st.dictionaries(RULE, NUMBERS, max_size=3))
CASES = st.one_of(mutated(_saved(ARRAYS)), *[MADE] * 5)


def check(case: bytes) -> None:
    from attnviz.analysis.diagnosis.diagnose import diagnose
    from attnviz.sources.files.dump import read_dump

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "own.npz")
        path.write_bytes(case)
        dump = read_dump(path)
        found = diagnose(dump.query, dump.key, dump.value, **dump.given, **dump.meant)
    to_json(found, lessons())
    str(found)
