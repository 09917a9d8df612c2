"""The benchmarks, which CI does not run, still name what there is; and the start-up budgets find what is beyond them."""

from __future__ import annotations

import ast
import re
from importlib import import_module, util
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent / "benchmarks"
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in BENCHMARKS.rglob("*.py")}


def lost(source: str) -> list[str]:
    """The names of attnviz that a script imports and that are not there."""
    missing = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "attnviz":
            missing += [f"{node.module}.{alias.name}" for alias in node.names if not _is_there(node.module, alias.name)]
    return missing


def _is_there(module: str, name: str) -> bool:
    try:
        return hasattr(import_module(module), name) or util.find_spec(f"{module}.{name}") is not None
    except ImportError:
        return False


@pytest.mark.parametrize("name", SOURCES)
def test_a_benchmark_imports_what_there_is(name):
    assert lost(SOURCES[name]) == []


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("from attnviz.pooling import pool_rows", "attnviz.pooling.pool_rows"),
        ("def f():\n    from attnviz.nowhere import a", "attnviz.nowhere.a"),
    ],
)
def test_a_planted_import_of_what_is_not_there_is_found(line, missing):
    assert lost(line) == [missing]


def test_every_peer_is_used_and_there():
    named = {name for source in SOURCES.values() for name in re.findall(r'peer\(\s*"(\w+\.py)"', source)}
    there = {path.name for path in (BENCHMARKS / "peers").glob("*.py")}
    beside = {
        f"{name}.py"
        for peer in named & there
        for name in re.findall(r"^from (\w+) import", SOURCES[peer], re.MULTILINE)
    }
    assert named | (beside & there) == there  # a peer takes from others that lie beside it


@pytest.fixture(scope="module")
def startup():
    spec = util.spec_from_file_location("benchmarks_startup", BENCHMARKS / "startup.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def test_every_command_has_a_budget(startup):
    from attnviz.cli.app import COMMANDS

    assert {budget.arguments[0] for budget in startup.BUDGETS} == {"--help", *COMMANDS}


def test_what_a_command_imports_is_within_its_budget(startup, tmp_path):
    """The counts, for the command that is used most; the times need a quiet machine: python tests/benchmarks budgets."""
    [budget] = [one for one in startup.BUDGETS if one.arguments == ("explain", startup.TEXT)]
    assert startup.faults(budget, startup.of_command(budget, tmp_path), startup.of_imports(budget, tmp_path)) == []


@pytest.mark.parametrize(
    ("loads", "fault"),
    [
        ({"numpy", "attnviz.api"}, []),
        ({"torch.nn", "matplotlib.figure"}, ["loads matplotlib", "loads torch"]),
        ({f"attnviz.m{number}" for number in range(200)}, ["loads 200 modules more, 10 are its budget"]),
    ],
)
def test_what_is_beyond_a_budget_is_found(startup, loads, fault):
    budget = startup.Budget(("explain",), ("numpy",), 1.1, 10)
    assert startup.faults(budget, startup.Loaded(frozenset(loads)), startup.Loaded(frozenset())) == fault
