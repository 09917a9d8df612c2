"""The source of the package, for the tests that read it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import attnviz

PACKAGE = Path(attnviz.__file__).parent


def module_sources() -> dict[str, str]:
    """The source of every module of the package, by its dotted name; a dict of one's own."""
    return dict(_sources())


@cache
def _sources() -> dict[str, str]:
    """Read once: no test changes the package that it runs."""
    return {_name(path): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree(source: str) -> ast.Module:
    """The syntax of a source, which many tests read: parsed once. Nobody changes it."""
    return ast.parse(source)


@cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    """All that ``ast.walk`` gives of a source, which takes ten times as long as to look at it: walked through once."""
    return tuple(ast.walk(tree(source)))


def _name(path: Path) -> str:
    parts = ("attnviz", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)
