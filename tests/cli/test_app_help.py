"""--help: every option is described, the example runs, and a narrow terminal can read it."""

from __future__ import annotations

import re
import shlex
from importlib.metadata import entry_points

import pytest
from array_files import SAMPLES
from command_line import attnviz, done, program, program_in_terminal, without_escapes
from rich.cells import cell_len

import attnviz as library
from attnviz.cli.app import COMMANDS, build

HELPS = [("--help",), *((command, "--help") for command in COMMANDS)]


@pytest.mark.parametrize("arguments", [*HELPS, ("-h",), ("explain", "-h"), ()])
@pytest.mark.some(5)
def test_help_is_a_result(arguments):
    result = done(*arguments)
    assert "Usage: attnviz" in result.text


def test_without_arguments_there_is_the_help():
    assert done() == done("--help")


def test_the_help_names_every_command():
    text = done("--help").text
    for command in COMMANDS:
        assert re.search(rf"^│ {command}\s+\w", text, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_described(command):
    parameters = build([command]).commands[command].params
    assert parameters
    assert [parameter.name for parameter in parameters if not getattr(parameter, "help", None)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_stands_in_the_help(monkeypatch, command):
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    text = done(command, "--help").text
    for parameter in build([command]).commands[command].params:
        assert [option for option in parameter.opts if option not in text] == []


@pytest.mark.parametrize("arguments", HELPS)
@pytest.mark.some(4)
def test_the_example_of_the_help_runs(arguments, model_folder, monkeypatch):
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    example = re.search(r"Example: (attnviz .*?)\s*$", done(*arguments).text, re.MULTILINE)[1]
    example = example.replace("DIR_OR_ID", str(model_folder)).replace("samples/", f"{SAMPLES}/")
    name, *words = shlex.split(example)
    result = attnviz(*words)
    assert (name, result.code) == ("attnviz", 0)
    assert result.stdout


@pytest.mark.parametrize("columns", [pytest.param(80, marks=pytest.mark.slow), 40])  # each is a program of its own
@pytest.mark.parametrize("arguments", HELPS)
@pytest.mark.some(4)
def test_the_help_fits_the_terminal(arguments, columns):
    result = program_in_terminal(*arguments, columns=columns)
    assert result.code == 0
    assert max(map(cell_len, without_escapes(result.text).split("\n"))) <= columns


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("attnviz ", "heatmap"), ("attnviz explain --pos", "--position"), ("attnviz heatmap --step ", "masked")],
)
def test_a_shell_completes_commands_options_and_values(typed, offered):
    environment = {
        "_ATTNVIZ_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split(" ")) - 1),
    }
    result = program(environment=environment)
    assert (result.code, result.stderr) == (0, "")
    assert offered in result.lines


def test_the_version():
    assert done("--version").text == f"attnviz {library.__version__}\n"


def test_the_program_is_installed_under_its_name():
    (script,) = entry_points(group="console_scripts", name="attnviz")
    assert script.value == "attnviz.__main__:run"
    assert callable(script.load())
