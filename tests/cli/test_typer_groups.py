"""Typer still calls what typer_groups.py rests on: its hooks are not promised, and a renamed one would fail silently.

The canary runs against the Typer that is installed; the slow test runs it against each supported minor version, and
``PYTHONPATH=FOLDER_WITH_A_TYPER pytest tests/cli/test_typer_groups.py`` against any.
"""

import __future__

import inspect
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Annotated

import pytest
import typer
from command_line import attnviz, done, problem
from lacking import lacking
from typer.core import TyperOption

import attnviz as library
from attnviz.choices import Step
from attnviz.cli.app import COMMANDS
from attnviz.cli.typer_groups import USAGE_ERROR, Options, PlainGroup, add_command, dashed, given_options

ROOT = Path(library.__file__).parents[1]


class Numbers(Options):
    count: Annotated[int, typer.Option(help="A number.", min=1)] = 1
    step: Annotated[list[Step], typer.Option(help="Steps.")] = ()  # type: ignore[assignment]
    layer: Annotated[list[str], typer.Option(help="Layers.")] = ()  # type: ignore[assignment]
    flag: Annotated[bool, typer.Option("--flag", help="A flag.")] = False


class More(Numbers):
    text: Annotated[str | None, typer.Argument(help="A text.")] = None


def taken(*words: str) -> dict[str, object]:
    """The options as a command gets them."""
    seen: list[dict[str, object]] = []

    def command(more: More) -> None:
        """A command."""
        seen.append(vars(more))

    app = typer.Typer(cls=PlainGroup)
    app.callback()(lambda: None)
    add_command(app, command)
    typer.main.get_command(app).main(["command", *words], prog_name="test", standalone_mode=False)
    return seen[0]


def canary() -> None:
    """Fails where Typer does not call the conversion that typer_groups.py sets: then it converts on its own."""
    given = taken("--step", "scores,weights", "--count", "3", "--layer", "0,4", "--flag", "a,b")
    assert given == {
        "count": 3,
        "step": [Step.SCORES, Step.WEIGHTS],
        "layer": ["0,4"],
        "flag": True,
        "text": "a,b",
    }
    with pytest.raises(USAGE_ERROR, match=r"0 is out of range: it must be at least 1"):
        taken("--count", "0")


def test_the_installed_typer_calls_the_conversion():
    canary()


def _renamed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A Typer whose parameters convert in a method of another name, in all that calls it as well; the old one stays unused."""
    for kind in TyperOption.__mro__:
        for attribute, function in list(vars(kind).items()):
            if inspect.isfunction(function) and "process_value" in inspect.getsource(function):
                source = textwrap.dedent(inspect.getsource(function)).replace("process_value", name)
                source = source.replace("super()", f"super({kind.__name__}, self)")
                space = function.__globals__ | {kind.__name__: kind}
                exec(compile(source, kind.__name__, "exec", __future__.annotations.compiler_flag), space)
                new = attribute.replace("process_value", name)
                monkeypatch.setattr(kind, new, space[new], raising=False)


def test_a_typer_with_another_name_for_the_hook_is_found(monkeypatch):
    _renamed(monkeypatch, "convert_value")
    with pytest.raises(USAGE_ERROR, match="scores,weights"):  # Typer's own conversion knows no lists
        canary()


def test_a_typer_that_makes_its_parameters_elsewhere_is_found(monkeypatch):
    for kind in PlainGroup.__mro__[1:2]:  # what makes a command's parameters plain
        monkeypatch.delattr(kind, "get_params")
    with pytest.raises(USAGE_ERROR, match="scores,weights"):
        canary()


def test_usage_errors_of_typer_have_the_base_that_is_caught():
    assert issubclass(typer.BadParameter, USAGE_ERROR)
    assert "no such option" in problem(attnviz("explain", "--nope"), 2).lower()
    assert "unexpected extra argument" in problem(attnviz("explain", "a", "b"), 2).lower()
    assert not issubclass(KeyboardInterrupt, USAGE_ERROR)


@pytest.mark.parametrize("words", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_flags_show_no_type_in_the_help(words):
    text = done(*words).text
    assert "bool" not in text.lower()
    assert re.search(r"--help\s+-h\s+Show this message", text)


def test_what_takes_a_value_shows_it():
    text = done("explain", "--help").text
    assert re.search(r"--scale\s+X", text)
    assert re.search(r"--query\s+WHICH", text)


def test_the_help_ends_quietly_where_its_reader_has_gone():
    run = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m attnviz explain --help; echo $? >&2"],
        stdout=_closed_pipe(),
        stderr=subprocess.PIPE,
        check=False,
    )
    assert run.stderr.decode().strip() == "0"


def _closed_pipe() -> int:
    ours, its = os.pipe()
    os.close(ours)
    return its


def test_groups_keep_the_order_of_what_they_extend():
    app = typer.Typer(cls=PlainGroup)
    app.callback()(lambda: None)

    def command(more: More) -> None:
        """A command."""

    add_command(app, command)
    names = [parameter.name for parameter in typer.main.get_command(app).commands["command"].params]
    assert names == ["count", "step", "layer", "flag", "text"]


def test_an_option_as_a_person_writes_it():
    assert dashed("skip_special") == "skip-special"


def supported() -> list[str]:
    """The minor versions of Typer that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [allowed] = [one for one in project["dependencies"] if one.startswith("typer")]
    least, beyond = map(int, re.fullmatch(r"typer>=0\.(\d+),<0\.(\d+)", allowed).groups())
    return [f"0.{minor}" for minor in range(least, beyond)]


@pytest.mark.slow
@pytest.mark.parametrize("version", supported())
def test_each_supported_typer_calls_the_conversion(tmp_path_factory, version):
    target = tmp_path_factory.mktemp("typer")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, f"typer=={version}.*"]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        lacking(f"no Typer {version} can be installed here")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(target), str(ROOT)])}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    assert run("-c", "import typer; print(typer.__version__)").stdout.startswith(f"{version}.")
    canaries = run("-m", "pytest", "-p", "no:cacheprovider", "-q", __file__)  # without the slow ones
    assert canaries.returncode == 0, canaries.stdout[-3000:]


def test_only_what_is_given_counts_as_given():
    class Some(Options):
        number: int = 8
        words: list[str] = ()
        flag: bool = False

    assert given_options(Some(number=8, words=[], flag=False)) == {}
    assert given_options(Some(number=3, words=["a"], flag=True)) == {"number": 3, "words": ["a"], "flag": True}
