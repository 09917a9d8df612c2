"""Triton's errors, where Triton is not installed."""

from __future__ import annotations

import sys
import types

import pytest


class TritonError(Exception):
    """As Triton has it, which is not everywhere."""


class OutOfResources(TritonError):  # noqa: N818  (Triton's name)
    """The same."""


@pytest.fixture
def errors_of_triton(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton.errors", types.SimpleNamespace(TritonError=TritonError))
    monkeypatch.setitem(sys.modules, "triton.runtime.errors", types.SimpleNamespace(OutOfResources=OutOfResources))
