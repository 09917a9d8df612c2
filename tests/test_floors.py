"""Imports point one way, down the floors of the house; lazy ones inside functions count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import pytest

import attnviz

PACKAGE = Path(attnviz.__file__).parent

# A room is a module or a folder at the top of the package. It imports from its own floor and those below.
FLOORS = (
    {"errors", "progress", "choices", "text"},
    {"attention", "files"},
    {"pooling"},
    {"trace"},
    {"analysis", "sources"},
    {"renderers"},
    {"api", "__init__"},
    {"cli", "__main__"},
)
APART = {frozenset({"analysis", "sources"}), frozenset({"sources", "renderers"})}  # neither sees the other

# The methods of a trace that draw or write reach their functions by these names, in strings.
DOTTED = {"attnviz.api.html", "attnviz.api.heatmap", "attnviz.api.explain", "attnviz.api.notebook_frame"}


def module_sources() -> dict[str, str]:
    """The source of every module of the package, by its dotted name."""
    return {_name(path): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


def _name(path: Path) -> str:
    parts = ("attnviz", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


def imports(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """For each module the modules of the package that it imports, wherever in it and for whatever reason."""
    found: dict[str, set[str]] = {}
    for name, source in sources.items():
        found[name] = {module for module in _imported(ast.parse(source), sources) if module != name}
    return found


def _imported(tree: ast.Module, sources: Mapping[str, str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.partition(".")[0] == "attnviz":
                yield _nearest(name, sources)


def _nearest(name: str, sources: Mapping[str, str]) -> str:
    """The module that an imported name lies in: "attnviz.errors.AttnvizError" in "attnviz.errors"."""
    while name not in sources and "." in name:
        name = name.rpartition(".")[0]
    return name if name in sources else "attnviz.__init__"


def room(module: str) -> str:
    return module.split(".")[1]


def floor(module: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS, start=1) if room(module) in rooms)


def faults(sources: Mapping[str, str]) -> list[str]:
    """What breaks the plan: an import upward, rooms that should not see each other, a circle between files."""
    arrows = imports(sources)
    upward = [
        f"{module} (floor {floor(module)}) imports {other} (floor {floor(other)})"
        for module, others in arrows.items()
        for other in sorted(others)
        if floor(other) > floor(module)
    ]
    meeting = [
        f"{module} imports {other}"
        for module, others in arrows.items()
        for other in sorted(others)
        if frozenset({room(module), room(other)}) in APART
    ]
    return upward + meeting + _circles(arrows)


def _circles(arrows: Mapping[str, set[str]]) -> list[str]:
    done: set[str] = set()
    found: list[str] = []

    def visit(module: str, path: tuple[str, ...]) -> None:
        if module in path:
            found.append(" → ".join((*path[path.index(module) :], module)))
        elif module not in done:
            for other in sorted(arrows[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in arrows:
        visit(module, ())
    return found


def dotted_names(sources: Mapping[str, str]) -> set[str]:
    """Strings of the package that name a module of it, outside of __init__, whose table of lazy names is another matter."""
    return {
        node.value
        for name, source in sources.items()
        if name != "attnviz.__init__"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_dotted(node.value, sources)
    }


def _is_dotted(text: str, sources: Mapping[str, str]) -> bool:
    return (
        text.startswith("attnviz.")
        and all(part.isidentifier() for part in text.split("."))
        and _nearest(text, sources) != "attnviz.__init__"
    )


def test_every_room_has_a_floor():
    rooms = {room(module) for module in module_sources()}
    assert rooms == {one for rooms_of_a_floor in FLOORS for one in rooms_of_a_floor}
    assert len(rooms) <= 16


def test_imports_point_down_and_never_in_a_circle():
    assert faults(module_sources()) == []


@pytest.mark.parametrize(
    ("module", "line", "fault"),
    [
        ("attnviz.attention.rule", "from attnviz.trace.layer import Layer", "attnviz.attention.rule (floor 2) imports"),
        (
            "attnviz.trace.layer",
            "def f():\n    import attnviz.renderers.shared.numbers",
            "attnviz.trace.layer (floor 4)",
        ),
        ("attnviz.sources.toy.toy", "from attnviz.analysis import metrics", "attnviz.sources.toy.toy imports"),
        (
            "attnviz.renderers.shared.numbers",
            "import attnviz.sources.toy.toy",
            "attnviz.renderers.shared.numbers imports",
        ),
        ("attnviz.attention.rule", "from attnviz.attention.formula import attend", "attnviz.attention.rule →"),
        ("attnviz.errors", "from attnviz import attend", "attnviz.errors (floor 1) imports attnviz.__init__ (floor 7)"),
    ],
)
def test_a_planted_import_is_found(module, line, fault):
    sources = module_sources()
    planted = sources | {module: f"{sources[module]}\n{line}\n"}
    assert any(fault in found for found in faults(planted))


def test_the_names_in_strings_are_the_listed_ones_and_lead_somewhere():
    assert dotted_names(module_sources()) <= DOTTED
    for name in DOTTED:
        module, _, attribute = name.rpartition(".")
        assert callable(getattr(import_module(module), attribute))


def test_a_planted_name_in_a_string_is_found():
    sources = module_sources()
    planted = sources | {"attnviz.errors": f'{sources["attnviz.errors"]}\nNAME = "attnviz.api.trace_text"\n'}
    assert "attnviz.api.trace_text" in dotted_names(planted) - DOTTED
