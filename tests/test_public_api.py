"""What `import attnviz` offers."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Mapping
from types import ModuleType

import pytest
from package_sources import module_sources, tree

import attnviz

NAMES = [
    "AttnvizError",
    "Diagnosis",
    "Difference",
    "Layer",
    "Pooled",
    "Projection",
    "Rule",
    "Stats",
    "Steps",
    "Trace",
    "__version__",
    "across",
    "attend",
    "diagnose",
    "diff",
    "generate",
    "learn",
    "load",
    "manual",
    "merge_stats",
    "pool",
    "read_texts",
    "record",
    "retrieval",
    "roles",
    "stats",
    "trace_arrays",
    "trace_model",
    "trace_text",
    "trace_weights",
]


def offered(package: ModuleType) -> list[str]:
    """What a person finds in the package: the names that it lists, if each of them is there and is seen by dir()."""
    assert sorted(package.__all__) == dir(package)
    assert [name for name in package.__all__ if getattr(package, name, None) is None] == []
    return list(package.__all__)


def test_the_exported_names():
    assert offered(attnviz) == NAMES


def test_a_planted_name_that_leads_nowhere_is_found(monkeypatch):
    monkeypatch.setattr(attnviz, "__all__", [*NAMES, "nonsense"])
    with pytest.raises(AssertionError):
        offered(attnviz)


def test_a_planted_name_that_is_not_meant_to_be_public_is_found(monkeypatch):
    monkeypatch.setattr(attnviz, "__all__", [*NAMES, "annotations"])
    assert offered(attnviz) != NAMES


def undescribed(names: list[str], sources: Mapping[str, str]) -> list[str]:
    """The names of classes and functions whose source has no docstring of its own where they are written.

    A dataclass, a named tuple and a class with a parent show a docstring that nobody wrote, so the source is read.
    """
    described = {
        node.name: ast.get_docstring(node)
        for name in names
        for node in tree(sources[_module(name)]).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name
    }
    return [name for name in names if len(described.get(name) or "") < 20]


def _module(name: str) -> str:
    """The module in which the object of a public name is written."""
    module = inspect.unwrap(getattr(attnviz, name)).__module__
    assert module.startswith("attnviz.")
    return module


WITH_DOCSTRINGS = [name for name in NAMES if not name.startswith("__")]  # a version is a string


def test_every_name_has_a_docstring_of_its_own():
    assert undescribed(WITH_DOCSTRINGS, module_sources()) == []


@pytest.mark.parametrize("name", WITH_DOCSTRINGS)
def test_a_docstring_that_is_taken_away_is_missed(name):
    """Also of a dataclass, a named tuple and an exception, which then show another."""
    sources = module_sources()
    module = _module(name)
    without = ast.parse(sources[module])
    for node in without.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            node.body = node.body[1:] or [ast.Pass()]
    assert undescribed(WITH_DOCSTRINGS, sources | {module: ast.unparse(without)}) == [name]


def test_the_package_itself_is_described():
    """All names of functions stand in it, so that help(attnviz) says where to begin."""
    assert attnviz.__doc__ is not None
    assert [name for name in ("attend", "trace_text", "trace_model", "load") if name not in attnviz.__doc__] == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        attnviz.nonsense  # noqa: B018


def loaded(code: str) -> list[str]:
    """The heavy ones among the modules that ``code`` loads, in a process of its own."""
    code += "; import sys; print(*[name for name in ('numpy', 'torch', 'rich', 'typer') if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_the_import_alone_loads_nothing_heavy():
    assert loaded("import attnviz") == []


def test_a_name_that_is_used_loads_what_it_needs():
    assert loaded("import attnviz; attnviz.attend") == ["numpy"]
