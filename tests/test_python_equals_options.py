"""Python equals the command line: each option of each command is an argument with its name and its default."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from importlib import import_module
from inspect import Parameter, signature
from typing import Any, get_type_hints

import pytest

import attnviz
from attnviz.api import explain, generate, heatmap, html, load, trace_model, trace_text
from attnviz.api.data import to_csv, to_json
from attnviz.api.stats import stats
from attnviz.api.written import written
from attnviz.attention.rule import Rule
from attnviz.cli.app import COMMANDS
from attnviz.cli.typer_groups import options_of
from attnviz.renderers.stats.stats import Stats
from attnviz.sources.toy.toy import Toy

# The calls that do what a command does: those that make a trace, and the look.
SOURCES = (trace_text, trace_model, load)
CALLS: dict[str, tuple[Callable[..., Any], ...]] = {
    "explain": (*SOURCES, explain, to_json, to_csv),
    "heatmap": (*SOURCES, heatmap, attnviz.across),
    "html": (*SOURCES, html),
    "stats": (*SOURCES, attnviz.retrieval, stats, Stats.heatmap, attnviz.across),
    "roles": (attnviz.roles,),
    "capture": (trace_model,),
    "generate": (generate, written),
    "diagnose": (attnviz.diagnose,),
    "diff": (*SOURCES, attnviz.diff),
    "learn": (attnviz.learn,),
    "manual": (attnviz.manual,),
}
OTHER_NAMES = {"lang": "language", "from_": "path"}  # a word of its own in Python, and one that it has not

# What only a command line needs, with the reason.
OF_A_SHELL = {
    "file": "open(path).read() is the text; of diagnose, numpy.load(path) has the arrays",
    "field": "attnviz.read_texts(files, field=…)",
    "lines": "a list of texts, or an iterator",
    "output": "what a call returns is saved, or written anywhere",
    "format": "each format is a method of what a call returns",
    "no_pager": "nothing is paged",
    "show": "printing is the terminal's",
    "open": "webbrowser.open(path)",
    "backend": "trace.to(backend)",
    "no_scale": "scale=1.0",
    "no_output_projection": "trace.without_output_projections()",
}
OF_ONE_COMMAND = {
    ("manual", "lang"): "the manual is in English",
    ("capture", "lang"): "it prints nothing but errors, which are in English",
    ("stats", "merge"): "attnviz.merge_stats(*files)",
    ("stats", "metric"): "Stats.heatmap(metric) names one, and metrics= chooses some",
    ("stats", "needles"): "attnviz.retrieval(model) asks for them, and None is no needles",
    ("stats", "needle_words"): "the same number, where the option may be given several times",
    ("stats", "threshold"): "a mapping {name: number}, where the option takes NAME=X several times; None is no name",
    ("diff", "model"): "one, or a pair of two; the option may be given twice",
    ("generate", "model"): "the first argument: a person says which model writes",
    ("generate", "text"): "the second",
    ("diagnose", "rope_interleaved"): "what the file does not say is False",
}


def argued(calls: Collection[Callable[..., Any]]) -> dict[str, list[Any]]:
    """Each argument of ``calls`` with its defaults."""
    found: dict[str, list[Any]] = {}
    for call in calls:
        for one in signature(call).parameters.values():
            found.setdefault(one.name, []).append(one.default)
    return found


def usual() -> dict[str, Any]:
    """What an option that is not given means where the toy and its rule say so: None in the shell, the value in Python."""
    of_toy = {one.name: one.default for one in fields(Toy)}
    return {name: str(value) if isinstance(value, str) else value for name, value in of_toy.items()} | {
        one.name: one.default for one in fields(Rule)
    }


def options(command: str) -> dict[str, Any]:
    """The options of ``command`` with their defaults, read from the groups that it takes."""
    run = getattr(import_module(f"attnviz.cli.commands.{command}"), command)
    groups = [group for name, group in get_type_hints(run).items() if name != "return"]
    return {field: getattr(group, field) for group in groups for field in options_of(group)}


def differences(command: str, calls: Collection[Callable[..., Any]], of_a_shell: Mapping[str, str]) -> list[str]:
    """The options of ``command`` that no call has, or has with another default."""
    arguments, unset = argued(calls), usual()
    found = []
    for field, default in options(command).items():
        if field in of_a_shell or (command, field) in OF_ONE_COMMAND:
            continue
        defaults = arguments.get(OTHER_NAMES.get(field, field))
        if defaults is None:
            found.append(f"--{field} of {command} is no argument")
        elif not any(_same(default, one, unset.get(field)) for one in defaults):
            found.append(f"--{field} of {command} is {default!r}, and {defaults} in Python")
    return found


def _same(option: Any, argument: Any, unset: Any) -> bool:
    """Whether both mean the same where neither is given; what must be given in Python has no default to differ."""
    return argument in (option, Parameter.empty) or (option is None and argument == unset)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_is_an_argument_with_the_same_default(command):
    assert differences(command, CALLS[command], OF_A_SHELL) == []


def test_each_exception_is_of_an_option_that_there_is():
    there = {(command, field) for command in COMMANDS for field in options(command)}
    assert set(OF_A_SHELL) <= {field for _, field in there}
    assert set(OF_ONE_COMMAND) <= there
    assert set(CALLS) == set(COMMANDS)


def test_an_argument_that_is_missing_or_differs_is_found():
    def planted(near: int = 9, *, pool: str = "mean") -> None: ...

    found = differences("stats", (*SOURCES, planted), OF_A_SHELL)
    assert "--near of stats is 8, and [9] in Python" in found
    assert "--sort of stats is no argument" in found
    assert not any("--pool" in one for one in found)
