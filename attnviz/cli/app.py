"""The command line: options → source → trace → renderer. No maths and no drawing here."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, get_type_hints

import typer

from attnviz.choices import Language
from attnviz.cli.bare_options import with_alone, with_several
from attnviz.cli.language import VARIABLE, asked, behind_command, speak, unknown
from attnviz.cli.options.listed import listed
from attnviz.cli.options.output import language_option
from attnviz.cli.output.streams import fill_standard_descriptors, notice
from attnviz.cli.typer_groups import USAGE_ERROR, PlainGroup, add_command
from attnviz.errors import DONE, FAILED, INTERRUPTED, USAGE, AttnvizError
from attnviz.text.message import Message

COMMANDS = (
    "explain",
    "heatmap",
    "html",
    "stats",
    "roles",
    "capture",
    "generate",
    "diagnose",
    "diff",
    "learn",
    "manual",
)


def build(arguments: Sequence[str] = ()) -> Any:
    """The command line as Typer runs it, with the one command that ``arguments`` begin with, or else with all."""
    app = typer.Typer(
        name="attnviz",
        cls=PlainGroup,
        help="Show what attention computes, step by step, with real numbers.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    program.__annotations__ = get_type_hints(program, include_extras=True)
    app.callback(invoke_without_command=True, epilog='Example: attnviz explain "Your journey starts"')(program)
    for name in arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS:
        add_command(app, getattr(import_module(f"attnviz.cli.commands.{name}"), name))
    return typer.main.get_command(app)


def program(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    lang: Annotated[Language, language_option(None)] = Language.EN,  # noqa: ARG001  (main() has looked for it)
) -> None:
    """Show what attention computes, step by step, with real numbers."""
    if version:
        from attnviz import __version__
        from attnviz.cli.output.files import write

        write([f"attnviz {__version__}\n".encode()], None)
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code, of those that errors.py names."""
    fill_standard_descriptors()
    arguments = with_several(with_alone(behind_command(sys.argv[1:] if arguments is None else arguments)))
    speak(asked(arguments))
    if variable := unknown(arguments):
        notice(
            Message(
                "{name} is {value}: the languages are {choices}, so this is in English",
                name=VARIABLE,
                value=variable,
                choices=listed(Language),
            )
        )
    command = build(arguments)
    try:
        return command.main(arguments, prog_name="attnviz", standalone_mode=False) or DONE
    except AttnvizError as error:
        return _fail(error.message, error.hint, error.exit_code)
    except USAGE_ERROR as error:
        command_path = " ".join(["attnviz", *(word for word in arguments[:1] if word in COMMANDS)])
        from attnviz.cli.hints import usage_hint
        from attnviz.cli.usage_words import usage_message

        return _fail(usage_message(error), usage_hint(error, arguments, command_path), USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        from attnviz.attention.memory import lacks_memory

        if lacks_memory(error):
            return _fail(_out_of_memory(error), "give a shorter text, or this process more memory", FAILED)
        if isinstance(error, OSError):
            return _fail(*_refused(error), FAILED)
        raise


def _out_of_memory(error: Exception) -> str:
    """The last line of what a library says, for some say a page."""
    lines = str(error).strip().splitlines()
    return Message("not enough memory: {reason}", reason=lines[-1].strip()) if lines else Message("not enough memory")


def _refused(error: OSError) -> tuple[str, str]:
    """What the system has refused to a library, and what to do about it: whatever attnviz itself opens is told by name."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many files are open at once", "raise ulimit -n"
    try:
        os.getcwd()
    except FileNotFoundError:  # some libraries ask for it as they start
        return "the folder that attnviz runs in does not exist any more", "cd to another folder"
    from attnviz.files import system_says

    if isinstance(error.filename, str | bytes):
        return Message("{path}: {reason}", path=os.fsdecode(error.filename), reason=system_says(error)), ""
    return system_says(error), ""


def _fail(message: str, hint: str, code: int) -> int:
    notice(message)
    if hint:
        notice(Message("hint: {hint}", hint=hint if isinstance(hint, Message) else Message(hint)))
    return code
