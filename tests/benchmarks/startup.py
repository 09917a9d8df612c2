"""The start-up budget of each command: what it imports beside what it must, and how long it takes.

A command is timed as a whole process, beside a process that imports what the command cannot do without, in the same run.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

NUMBERS = ("typer", "rich.table", "numpy")
# Modules that take longer to import than most commands take to work.
HEAVY = {"numpy", "matplotlib", "torch", "transformers", "array_api_compat", "pydantic", "scipy", "pandas", "PIL"}

COUNT = """
import sys
from attnviz.cli.app import main
main(sys.argv[1:])
print(" ".join(sys.modules), file=sys.stderr)
"""


@dataclass(frozen=True)
class Budget:
    """A command, what it cannot do without, how often as long as these imports it may take, and what it may load.

    modules  how many modules more than these imports it may load
    """

    arguments: tuple[str, ...]
    imports: tuple[str, ...]
    reach: float
    modules: int
    heavy: frozenset[str] = frozenset({"numpy"})

    @property
    def name(self) -> str:
        return " ".join(self.arguments)


TEXT = "Your journey starts"
PICTURE = ("typer", "numpy", "matplotlib.figure", "matplotlib.backends.backend_agg")
BUDGETS = (
    Budget(("--help",), ("typer", "rich.table"), 1.3, 190, frozenset()),
    Budget(("explain", "--help"), ("typer", "rich.table"), 1.4, 180, frozenset()),
    Budget(("explain", TEXT), NUMBERS, 1.10, 127),
    Budget(("explain", TEXT, "--format", "json"), (*NUMBERS, "orjson"), 1.10, 100),
    Budget(("heatmap", TEXT, "--format", "term"), NUMBERS, 1.15, 130),
    Budget(("heatmap", TEXT, "-o", "a.png"), PICTURE, 1.35, 130, frozenset({"numpy", "matplotlib", "PIL"})),
    Budget(("html", TEXT, "-o", "a.html"), NUMBERS, 1.15, 145),
    Budget(("stats", TEXT), NUMBERS, 1.15, 130),
    Budget(("manual", "toy"), ("typer", "rich.table"), 1.15, 50, frozenset()),
    Budget(("learn",), ("typer", "rich.table"), 1.2, 70, frozenset()),
    Budget(("roles", "--help"), ("typer", "rich.table"), 1.3, 175, frozenset()),
    Budget(("diagnose", "--help"), ("typer", "rich.table"), 1.3, 175, frozenset()),
    Budget(("diff", "--help"), ("typer", "rich.table"), 1.3, 180, frozenset()),
    Budget(("capture", "--help"), ("typer", "rich.table"), 1.3, 175, frozenset()),
    Budget(("generate", "--help"), ("typer", "rich.table"), 1.3, 180, frozenset()),
)


@dataclass(frozen=True)
class Loaded:
    """What a process has loaded: the names of all modules."""

    modules: frozenset[str]

    @property
    def heavy(self) -> set[str]:
        return HEAVY & {name.partition(".")[0] for name in self.modules}


def loaded(code: str, arguments: tuple[str, ...], folder: Path) -> Loaded:
    """The modules of a process that runs ``code``, which prints them on standard error."""
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    return Loaded(frozenset(run.stderr.splitlines()[-1].split()))


def of_command(budget: Budget, folder: Path) -> Loaded:
    return loaded(COUNT, budget.arguments, folder)


def of_imports(budget: Budget, folder: Path) -> Loaded:
    imported = f"import sys, {', '.join(budget.imports)}; print(' '.join(sys.modules), file=sys.stderr)"
    return loaded(imported, (), folder)


def faults(budget: Budget, ours: Loaded, bare: Loaded) -> list[str]:
    """What is beyond the budget: a heavy module that is not meant, or too many of any kind."""
    more = ours.heavy - budget.heavy
    count = len(ours.modules - bare.modules)
    return [f"loads {name}" for name in sorted(more)] + (
        [f"loads {count} modules more, {budget.modules} are its budget"] if count > budget.modules else []
    )
