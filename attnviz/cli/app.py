"""The command line: options → source → trace → renderer. No maths and no drawing here."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from attnviz.cli.output.streams import fill_standard_descriptors, notice
from attnviz.cli.typer_groups import USAGE_ERROR, PlainGroup, add_command
from attnviz.errors import DONE, FAILED, INTERRUPTED, USAGE, AttnvizError

COMMANDS = ("explain", "heatmap", "html", "stats", "roles", "capture", "generate", "learn", "manual")


def build(arguments: Sequence[str] = ()) -> Any:
    """The command line as Typer runs it, with the one command that ``arguments`` begin with, or else with all."""
    app = typer.Typer(
        name="attnviz",
        cls=PlainGroup,
        help="Show what attention computes, step by step, with real numbers.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True, epilog='Example: attnviz explain "Your journey starts"')(program)
    for name in arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS:
        add_command(app, getattr(import_module(f"attnviz.cli.commands.{name}"), name))
    return typer.main.get_command(app)


def program(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
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
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    command = build(arguments)
    try:
        return command.main(arguments, prog_name="attnviz", standalone_mode=False) or DONE
    except AttnvizError as error:
        return _fail(error.message, error.hint, error.exit_code)
    except USAGE_ERROR as error:
        command_path = " ".join(["attnviz", *(word for word in arguments[:1] if word in COMMANDS)])
        from attnviz.cli.hints import usage_hint

        return _fail(error.format_message(), usage_hint(error, arguments, command_path), USAGE)
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
    return f"not enough memory: {lines[-1].strip()}" if lines else "not enough memory"


def _refused(error: OSError) -> tuple[str, str]:
    """What the system has refused to a library, and what to do about it: whatever attnviz itself opens is told by name."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many files are open at once", "raise ulimit -n"
    try:
        os.getcwd()
    except FileNotFoundError:  # some libraries ask for it as they start
        return "the folder that attnviz runs in does not exist any more", "cd to another folder"
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{where}{(error.strerror or str(error)).lower()}", ""


def _fail(message: str, hint: str, code: int) -> int:
    notice(message)
    if hint:
        notice(f"hint: {hint}")
    return code
