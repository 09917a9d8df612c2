"""What the record can do only with the floors above it."""

from __future__ import annotations

from typing import Any


def public(name: str, *arguments: Any, **options: Any) -> Any:
    """Call the function of this dotted name, which lies above this floor: imported only now (tests/test_floors.py)."""
    from importlib import import_module

    module, _, function = name.rpartition(".")
    return getattr(import_module(module), function)(*arguments, **options)
