"""Words of a command line become values as Typer would have it, without pydantic."""

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from command_line import attnviz, problem

from attnviz.choices import Backend, Step
from attnviz.cli.conversion import converter, if_given


def converted(hint: Any, value: Any, **info: Any) -> Any:
    return converter(None, Annotated[hint, typer.Option(**info)])(None, value)


@pytest.mark.parametrize(
    ("hint", "word", "value"),
    [
        (int, "3", 3),
        (int | None, "-3", -3),
        (float, "1e-3", 1e-3),
        (float | None, "2", 2.0),
        (str | None, "a,b", "a,b"),
        (Path | None, "a,b.json", Path("a,b.json")),
        (Backend, "torch", Backend.TORCH),
        (Backend | None, "TORCH", Backend.TORCH),
        (list[Step], ["scores,weights", "output"], [Step.SCORES, Step.WEIGHTS, Step.OUTPUT]),
        (list[Step], (), []),
        (list[str], ["0,4-7", "cross 1"], ["0,4-7", "cross 1"]),
        (bool, True, True),
        (int | None, None, None),
        (Path, Path("a"), Path("a")),
    ],
)
def test_a_word_becomes_a_value(hint, word, value):
    result = converted(hint, word)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("hint", "word", "info", "message"),
    [
        (int, "3.5", {}, "'3.5' is not a whole number"),
        (int, "", {}, "'' is not a whole number"),
        (float, "x", {}, "'x' is not a number"),
        (float, "nan", {}, "nan is out of range: it must be a number"),
        (int, "0", {"min": 1}, "0 is out of range: it must be at least 1"),
        (int, "9", {"max": 8}, "9 is out of range: it must be at most 8"),
        (int, "9", {"min": 1, "max": 8}, "9 is out of range: it must be at least 1 and at most 8"),
        (Backend, "jax", {}, "'jax' is not one of numpy, torch"),
        (list[Step], ["scores,"], {}, "'' is not one of embeddings, positions"),
    ],
)
def test_what_is_no_value_is_wrong_usage(hint, word, info, message):
    with pytest.raises(typer.BadParameter) as raised:
        converted(hint, word, **info)
    assert raised.value.message.startswith(message)


def test_a_path_has_a_name():
    assert converted(Path | None, "a.txt") == Path("a.txt")
    with pytest.raises(typer.BadParameter, match="the name is empty"):
        converted(Path | None, "")


def test_the_limits_themselves_are_allowed():
    assert converted(int, "1", min=1, max=8) == 1
    assert converted(int, "8", min=1, max=8) == 8


def test_typers_own_options_are_converted_when_they_are_used():
    class Parameter:
        def process_value(self, _: Any, value: Any) -> Any:
            return f"converted {value}"

    convert = if_given(Parameter())
    assert convert(None, "bash") == "converted bash"
    assert convert(None, None) is None
    assert convert(None, False) is False


@pytest.mark.parametrize(("hint", "metavar"), [(Path | None, "PATH"), (str | None, "DIR_OR_ID")])
def test_an_empty_name_is_said_to_be_empty(hint, metavar):
    with pytest.raises(typer.BadParameter, match="the name is empty"):
        converted(hint, "", metavar=metavar)
    assert converted(str | None, "", metavar="TEXT") == ""


@pytest.mark.parametrize("option", ["--output", "--file", "--from", "--embeddings", "--weights", "--model"])
def test_no_command_takes_an_empty_name_for_the_folder(option):
    message = problem(attnviz("explain", option, ""), 2)
    assert message.startswith(f"Invalid value for '{option}'")
    assert message.endswith(": the name is empty")
