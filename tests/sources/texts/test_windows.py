"""Texts are taken in windows that grow, and that wait for nothing that has not come."""

from __future__ import annotations

from itertools import count, islice

import pytest

from attnviz.sources.texts.windows import in_order, windows


def test_windows_grow_up_to_the_most():
    assert [len(window) for window in islice(windows(count(), lambda: 100, lambda: True), 4)] == [1, 32, 100, 100]
    assert list(windows(range(3), lambda: 1, lambda: True)) == [[0], [1], [2]]
    assert list(windows([], lambda: 8, lambda: True)) == []
    assert [len(window) for window in windows(range(150), lambda: 100, lambda: True, first=100)] == [100, 50]


def test_the_last_window_holds_the_rest():
    assert [len(window) for window in windows(range(36), lambda: 100, lambda: True)] == [1, 32, 3]


def test_what_has_not_come_is_not_waited_for():
    written = 3

    def items():
        for number in range(6):
            assert number < written  # else it would wait
            yield number

    reading = items()
    found = windows(reading, lambda: 100, lambda: reading.gi_frame.f_locals["number"] + 1 < written)
    assert [next(found), next(found)] == [[0], [1, 2]]


@pytest.mark.parametrize(
    ("places", "answers", "expected"),
    [
        ([0, 1, 2], [(0, "a"), (1, "b"), (2, "c")], [(0, "a"), (1, "b"), (2, "c")]),
        ([1], [(0, "a")], [(0, None), (1, "a"), (2, None)]),
        ([], [], [(0, None), (1, None), (2, None)]),
        ([0, 1], [(1, "b")], [(1, "b"), (2, None)]),
        ([0, 2], [(0, "a")], [(0, "a"), (1, None)]),
    ],
)
def test_answers_stand_where_they_were_asked_for(places, answers, expected):
    assert list(in_order(3, places, answers)) == expected
