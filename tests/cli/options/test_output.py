"""Options that several commands have are declared once, each with its own words."""

import pytest
from command_line import attnviz, problem

from attnviz.cli.app import COMMANDS, build
from attnviz.cli.options.output import BY_SUFFIX, format_option, language_option, output_option


def test_each_takes_the_words_of_its_command():
    assert output_option().help == BY_SUFFIX
    assert output_option("a file").help == "a file"
    assert format_option("csv or json").help == "csv or json"
    assert language_option().help == "Language of all words: en or vi (default: ATTNVIZ_LANG, or else the locale)."


@pytest.mark.parametrize("command", COMMANDS)
def test_they_have_the_same_names_in_every_command(command):
    parameters = {parameter.name: parameter for parameter in build([command]).commands[command].params}
    assert command == "manual" or parameters["output"].opts == ["--output", "-o"]
    assert "format" not in parameters or parameters["format"].opts == ["--format"]
    assert parameters["lang"].opts == ["--lang"]


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "manual"])
def test_a_file_without_a_name_is_wrong_usage(folder, command):
    message = problem(attnviz(command, "1", "-o", ""), 2)
    assert message == "Invalid value for '--output' / '-o': the name is empty"
    assert list(folder.iterdir()) == []
