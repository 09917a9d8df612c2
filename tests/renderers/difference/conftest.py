"""Differences that are shown in every way."""

from __future__ import annotations

import pytest

from attnviz import Difference, diff, trace_text

TEXT = "the cat sat on the mat"


@pytest.fixture(scope="module")
def words() -> Difference:
    """Two texts that share some tokens."""
    return diff(TEXT, "today the dog sat on a mat", heads=4)


@pytest.fixture(scope="module")
def equal() -> Difference:
    return diff(trace_text(TEXT, 2), trace_text(TEXT, 2))


@pytest.fixture(scope="module")
def rules() -> Difference:
    """A text, causal and not."""
    return diff(trace_text(TEXT, 4, causal=True, window=3), trace_text(TEXT, 4))
