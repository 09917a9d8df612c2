"""Quantiles over texts that are not kept: a sketch for each metric of each head, of Apache DataSketches.

KLL: Karnin, Lang and Liberty 2016, "Optimal Quantile Approximation in Streams", 1603.05346. Sketches of parts of a corpus are merged;
up to ``EXACT`` texts each value is kept, and beyond that a quantile is one of a rank that is off by at most ``rank_error``, with a
probability of 0.99. The library was chosen because it is well kept, and takes all heads of a layer at once; its values are float32.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy

from attnviz.errors import AttnvizError

K = 200  # of the sketch: the larger, the more exact, and the more memory
EXACT = 200  # texts of which a sketch keeps each value: its first level holds K
WIDTH = 8  # of the smallest level, which the library fixes
FAMILY = 15  # of KLL, in the library's files
EMPTY, SORTED, SINGLE = 1, 2, 4  # flags in its files
SHORT, FULL = 8, 20  # bytes of its header
MOST_LEVELS = 60


class Sketches:
    """The values of each place of an array (metrics, heads), text after text; NaN is no value."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._sketches = _library().vector_of_kll_floats_sketches(K, math.prod(shape))

    def add(self, values: numpy.ndarray) -> None:
        """The values of one more text, of the shape of all."""
        self._sketches.update(values.reshape(-1).astype(numpy.float32))

    def merged(self, other: Sketches) -> Sketches:
        """The values of both."""
        both = Sketches(self.shape)
        both._sketches.merge(self._sketches)
        both._sketches.merge(other._sketches)
        return both

    def copied(self) -> Sketches:
        """The same values, and none of those that are added to these later."""
        one = Sketches(self.shape)
        for place, piece in enumerate(self._sketches.serialize()):
            one._sketches.deserialize(piece, place)
        return one

    def at(self, shares: Sequence[float]) -> numpy.ndarray:
        """The value below which each of ``shares`` of the texts lies, (metrics, heads, shares); NaN where there is none."""
        found = numpy.full((math.prod(self.shape), len(shares)), math.nan)
        known = numpy.flatnonzero(~self._sketches.is_empty())
        if len(known) and shares:
            # int32: the library takes int64 for pairs of int32, and looks at others
            found[known] = self._sketches.get_quantiles(list(shares), isk=known.astype("i4"))
            ends = numpy.array([_ends(piece) for piece in self._sketches.serialize()])
            for column, share in enumerate(shares):
                if share in (0, 1):  # the least and the largest are kept apart, and a sketch has but what is near them
                    found[:, column] = ends[:, int(share)]
        return found.reshape(*self.shape, len(shares))

    def arrays(self, prefix: str) -> dict[str, numpy.ndarray]:
        """All of it as arrays: the library's own bytes, one sketch's after the other's, and how many each takes."""
        pieces = self._sketches.serialize()
        lengths = numpy.array([len(piece) for piece in pieces], dtype="<i4")
        return {f"{prefix}.bytes": numpy.frombuffer(b"".join(pieces), "u1"), f"{prefix}.lengths": lengths}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any], prefix: str, shape: tuple[int, int], most: int) -> Sketches:
        """What ``arrays`` wrote; AttnvizError where no sketch over at most so many texts looks like it."""
        content, lengths = arrays.get(f"{prefix}.bytes"), arrays.get(f"{prefix}.lengths")
        whole = math.prod(shape)
        if content is None or lengths is None or content.dtype != numpy.uint8 or lengths.dtype != numpy.int32:
            raise AttnvizError("{name} is missing, or of another shape", name=prefix)
        if lengths.shape != (whole,) or (lengths < SHORT).any() or content.shape != (int(lengths.sum(dtype=int)),):
            raise AttnvizError("{name} is missing, or of another shape", name=prefix)
        found, end, data = cls(shape), 0, content.tobytes()
        for place, length in enumerate(lengths.tolist()):
            begin, end = end, end + length
            _require_sound(data[begin:end], most, prefix)
            found._sketches.deserialize(data[begin:end], place)
        return found


def rank_error() -> float:
    """How far the rank of a quantile may be off, in parts of all texts."""
    return float(_library().kll_floats_sketch.get_normalized_rank_error(K, False))


def _library() -> Any:
    try:
        import datasketches
    except ImportError:
        raise AttnvizError(
            "quantiles need {name}, which is not installed", "pip install 'attnviz[cluster]'", name="datasketches"
        ) from None
    return datasketches


def _require_sound(content: bytes, most: int, name: str) -> None:
    """Raise AttnvizError unless ``content`` is a sketch, since the library reads beyond the end of what only says it is one.

    The format: datasketches-cpp, kll_sketch_impl.hpp, serialize.
    """
    if not _is_sound(content, most):
        raise AttnvizError("{name} holds numbers that cannot be", name=name)


def _is_sound(content: bytes, most: int) -> bool:
    ints, version, family, flags, k, width = struct.unpack_from("<BBBBHB", content)
    if (family, k, width) != (FAMILY, K, WIDTH):
        return False
    if flags & ~SORTED == EMPTY:
        return (ints, version, len(content)) == (2, 1, SHORT)
    if flags & ~SORTED == SINGLE:
        return (ints, version, len(content)) == (2, 2, SHORT + 4) and most > 0 and _in_order(content[SHORT:])
    if flags & ~SORTED or (ints, version) != (5, 1) or len(content) < FULL:
        return False
    count, least_k, levels = struct.unpack_from("<QHB", content, SHORT)
    items = FULL + 4 * levels  # where they begin: the least, the largest, and those of each level
    if least_k != K or not 1 <= levels <= MOST_LEVELS or count > most or len(content) < items + 8:
        return False
    ends = [*struct.unpack_from(f"<{levels}I", content, FULL), sum(_room(levels, level) for level in range(levels))]
    sizes = [after - before for before, after in pairwise(ends)]
    if min(sizes) < 0 or len(content) != items + 8 + 4 * sum(sizes):
        return False
    if count != sum(size << level for level, size in enumerate(sizes)):
        return False
    return _levels_in_order(numpy.frombuffer(content, "<f4", offset=items), sizes)


def _ends(content: bytes) -> tuple[float, float]:
    """The least and the largest value of a sketch; NaN where it has none."""
    if len(content) <= SHORT:
        return math.nan, math.nan
    if len(content) == SHORT + 4:
        (one,) = struct.unpack_from("<f", content, SHORT)
        return one, one
    low, high = struct.unpack_from("<2f", content, FULL + 4 * content[SHORT + 10])
    return low, high


def _levels_in_order(values: numpy.ndarray, sizes: Sequence[int]) -> bool:
    """Whether all values are finite and between the least and the largest, and sorted from the second level on."""
    (low, high), rest = values[:2], values[2:]
    if not numpy.isfinite(values).all() or (rest < low).any() or (rest > high).any():
        return False
    begins = numpy.cumsum([0, *sizes])
    levels = [rest[begin:end] for begin, end in pairwise(begins)][1:]
    return all((numpy.diff(level) >= 0).all() for level in levels)


def _in_order(content: bytes) -> bool:
    return math.isfinite(struct.unpack("<f", content)[0])


def _room(levels: int, level: int) -> int:
    """How many values a level may hold, of so many: each two thirds of the one above it."""
    depth = levels - level - 1
    return max(WIDTH, _two_thirds(K, depth))


def _two_thirds(k: int, depth: int) -> int:
    if depth > 30:
        half = depth // 2
        return _two_thirds(_two_thirds(k, half), depth - half)
    return int(((k << 1) << depth) // 3**depth + 1) >> 1
