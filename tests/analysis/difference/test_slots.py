"""The weights of two heads on axes that both texts share."""

from __future__ import annotations

import math

import numpy
import pytest

from attnviz import trace_text
from attnviz.analysis.difference import slots as slots_file
from attnviz.analysis.difference.alignment import align
from attnviz.analysis.difference.slots import Slots, pooled_maps, slots, whole_maps
from attnviz.choices import Pool

LEFT, RIGHT = "the cat sat on the mat", "today the dog sat on a mat"
FIRST, SECOND = trace_text(LEFT, heads=2, causal=True), trace_text(RIGHT, heads=2, seed=1)
SPOTS = (FIRST.layers[0], 1), (SECOND.layers[0], 0)


def axis() -> Slots:
    found = align(FIRST.tokens, SECOND.tokens)
    return slots(found, numpy.array(found.left), numpy.array(found.right))


@pytest.mark.parametrize(
    ("left", "right", "places"),
    [
        ("a b", "a b", [(0, 0), (1, 1)]),
        ("x a", "a y", [(0, -1), (1, 0), (-1, 1)]),
        ("a", "b c a d", [(-1, 0), (-1, 1), (0, 2), (-1, 3)]),
    ],
)
def test_every_token_of_both_texts_has_one_place(left, right, places):
    alignment = align(tuple(left.split()), tuple(right.split()))
    found = slots(alignment, numpy.array(alignment.left), numpy.array(alignment.right))
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == places
    assert found.shared.tolist() == [-1 not in pair for pair in places]


def test_of_some_pairs_there_are_no_others():
    alignment = align(("a", "b", "c"), ("a", "b", "c"))
    found = slots(alignment, numpy.array([2]), numpy.array([2]))
    assert (found.left.tolist(), found.right.tolist()) == ([2], [2])


def test_each_weight_is_at_its_place_and_the_difference_where_both_have_one():
    both = axis()
    found = whole_maps(*SPOTS, both, both)
    for row, (one, other) in enumerate(zip(both.left, both.right, strict=True)):
        for column, (left, right) in enumerate(zip(both.left, both.right, strict=True)):
            steps = [layer.steps(head) for layer, head in SPOTS]
            seen = (min(one, left) >= 0 and left <= one, min(other, right) >= 0)
            own = [
                steps[0].weights[one, left] if seen[0] else None,
                steps[1].weights[other, right] if seen[1] else None,
            ]
            assert found.left[row, column] == pytest.approx(-math.inf if own[0] is None else own[0])
            assert found.right[row, column] == pytest.approx(-math.inf if own[1] is None else own[1])
            if min(one, left, other, right) < 0:
                assert found.apart[row, column] == -math.inf
            else:  # what is hidden on the left counts as 0
                assert found.apart[row, column] == pytest.approx((own[0] or 0) - own[1])


@pytest.mark.parametrize("size", [(2, 2), (1, 3), (4, 1), (9, 9)])
@pytest.mark.parametrize("cells", [1, 1 << 20])
def test_cells_have_the_mean_or_the_largest_of_their_pairs(size, cells, monkeypatch):
    monkeypatch.setattr(slots_file, "CELLS", cells)
    both, told = axis(), []
    whole = whole_maps(*SPOTS, both, both)
    mean = pooled_maps(*SPOTS, both, both, size, Pool.MEAN, lambda done, of: told.append((done, of)))
    largest = pooled_maps(*SPOTS, both, both, size, Pool.MAX)
    assert told[-1] == (9, 9)
    for name, values in whole._asdict().items():
        for row, start in enumerate(range(0, 9, size[0])):
            for column, first in enumerate(range(0, 9, size[1])):
                cell = values[start : start + size[0], first : first + size[1]]
                seen = cell[cell > -math.inf]
                at = row, column
                if not seen.size:
                    assert getattr(mean, name)[at] == getattr(largest, name)[at] == -math.inf
                    continue
                assert getattr(mean, name)[at] == pytest.approx(seen.mean())
                furthest = seen[abs(seen).argmax()] if name == "apart" else seen.max()
                assert getattr(largest, name)[at] == pytest.approx(furthest)
