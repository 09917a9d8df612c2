"""Imports point one way, down the floors of the house; lazy ones inside functions count too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from importlib import import_module

import pytest
from package_sources import module_sources, nodes

# A room is a module or a folder at the top of the package. It imports from its own floor and those below.
FLOORS = (
    {"errors", "progress", "choices", "text"},
    {"attention", "files"},
    {"pooling"},
    {"trace"},
    {"analysis", "sources"},
    {"renderers"},
    {"api", "corpora", "arguments", "__init__"},
    {"cli", "__main__"},
)
APART = {frozenset({"analysis", "sources"}), frozenset({"sources", "renderers"})}  # neither sees the other

# The methods of a trace that draw or write reach their functions by these names, in strings.
DOTTED = {"attnviz.api.html", "attnviz.api.heatmap", "attnviz.api.explain", "attnviz.api.notebook_frame"}
DOTTED |= {
    f"attnviz.api.{name}"
    for name in ("stats.stats", "data.to_json", "data.to_csv", "written.written", "words.by_words")
}
DOTTED |= {
    f"attnviz.renderers.roles.{name}"
    for name in (
        "role_table.to_text",
        "role_table.to_renderable",
        "role_json.to_json",
        "role_csv.to_csv",
        "role_html.to_html",
        "figure.to_figure",
    )
}  # so do the roles of a model
DOTTED |= {
    "attnviz.renderers.stats.head_csv.to_csv",
    *(
        f"attnviz.renderers.retrieval.{name}"
        for name in ("retrieval_table.to_text", "retrieval_table.to_renderable", "retrieval_json.to_json")
    ),
}  # and the scores of retrieval
DOTTED |= {
    f"attnviz.renderers.diagnosis.{name}"
    for name in (
        "answer.to_text",
        "answer.to_renderable",
        "fragment.to_fragment",
        "picture.to_heatmap",
        "diagnosis_json.to_json",
        "diagnosis_csv.to_csv",
        "markdown.to_markdown",
    )
}  # and a diagnosis
DOTTED |= {
    f"attnviz.renderers.recorded.{name}"
    for name in ("layer_table.to_text", "layer_table.to_renderable", "layer_html.to_html")
}  # and the table of a recording


DOTTED |= {
    "attnviz.api.diff.heatmap",
    "attnviz.api.diff.html",
    *(f"attnviz.renderers.shared.frames.{name}" for name in ("to_pandas", "to_polars")),
    *(
        f"attnviz.renderers.difference.{name}"
        for name in (
            "records.records",
            "difference_csv.to_csv",
            "difference_json.to_json",
            "table.to_text",
            "table.to_renderable",
            "fragment.to_fragment",
            "markdown.to_markdown",
        )
    ),
}  # and a difference


def imports(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """For each module the modules of the package that it imports, wherever in it and for whatever reason."""
    return {
        name: {module for module in _imported(name, source, sources) if module != name}
        for name, source in sources.items()
    }


def _imported(importer: str, source: str, sources: Mapping[str, str]) -> Iterator[str]:
    for node in nodes(source):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{_absolute(node, importer, sources)}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.partition(".")[0] == "attnviz":
                yield _nearest(name, sources)


def _absolute(node: ast.ImportFrom, importer: str, sources: Mapping[str, str]) -> str:
    """The module that names are taken from, "from .. import x" in attnviz.trace.layer included."""
    if not node.level:
        return node.module or ""
    is_folder = any(name.startswith(f"{importer}.") for name in sources)
    parts = importer.split(".")
    here = parts[: len(parts) - node.level + is_folder]
    return ".".join([*here, *([node.module] if node.module else [])])


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
    """Strings in the package that name something on a floor above them, or the beginning of such a name."""
    return {
        node.value
        for module, source in sources.items()
        for node in nodes(source)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _leads_up(node.value, module, sources)
    }


def _leads_up(text: str, module: str, sources: Mapping[str, str]) -> bool:
    parts = text.removesuffix(".").split(".")
    if not text.startswith("attnviz.") or not all(part.isidentifier() for part in parts):
        return False
    if parts == ["attnviz"]:  # what follows may be any room
        return True
    return floor(_nearest(".".join(parts), sources)) > floor(module)


def test_every_room_has_a_floor():
    rooms = {room(module) for module in module_sources()}
    assert rooms == {one for rooms_of_a_floor in FLOORS for one in rooms_of_a_floor}
    assert len(rooms) <= 17


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
        ("attnviz.trace.layer", "from ..renderers.shared import numbers", "attnviz.trace.layer (floor 4)"),
        ("attnviz.trace", "from .. import api", "attnviz.trace (floor 4) imports attnviz.api"),
        ("attnviz.errors", "from attnviz import attend", "attnviz.errors (floor 1) imports attnviz.__init__ (floor 7)"),
    ],
)
def test_a_planted_import_is_found(module, line, fault):
    sources = module_sources()
    planted = sources | {module: f"{sources[module]}\n{line}\n"}
    assert any(fault in found for found in faults(planted))


def test_the_names_in_strings_are_the_listed_ones_and_lead_somewhere():
    assert dotted_names(module_sources()) == DOTTED
    for name in DOTTED:
        module, _, attribute = name.rpartition(".")
        assert callable(getattr(import_module(module), attribute))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('NAME = "attnviz.api.trace_text"', "attnviz.api.trace_text"),
        ('MODULE = import_module("attnviz.renderers.heatmap")', "attnviz.renderers.heatmap"),
        ('MODULE = import_module(f"attnviz.renderers.{name}")', "attnviz.renderers."),
        ('MODULE = import_module("attnviz." + name)', "attnviz."),
    ],
)
def test_a_planted_name_in_a_string_is_found(line, name):
    sources = module_sources()
    planted = sources | {"attnviz.errors": f"{sources['attnviz.errors']}\n{line}\n"}
    assert dotted_names(planted) - DOTTED == {name}
