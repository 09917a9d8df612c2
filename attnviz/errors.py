"""The one error that a user may see, and the exit codes of the program."""

from typing import Any

from attnviz.text.message import Message

DONE = 0
FAILED = 1  # the data or the machine
USAGE = 2
MISTAKEN = 3  # diagnose names a mistake, or several
UNEXPLAINED = 4  # diagnose finds the output wrong, and cannot tell why
INTERRUPTED = 130  # as a shell says it of a program that Ctrl-C has ended
TERMINATED = 143  # and of one that SIGTERM has


class AttnvizError(Exception):
    """A problem with the data or the machine, told in one line.

    ``message`` says what came, what was expected and the rule; ``hint`` says what to do about it. ``values`` stand in the
    places that either names, {tokens}. The command line prints both on stderr, in the language that is asked for
    (text/message.py), and exits with ``exit_code``.
    """

    exit_code = FAILED

    def __init__(self, message: str, hint: str = "", **values: Any) -> None:
        self.message = message if isinstance(message, Message) else Message(message, **values)
        self.hint = hint if isinstance(hint, Message) else Message(hint, **values)
        super().__init__(self.message)


class ChoiceError(AttnvizError):
    """The same for a layer or a head that does not exist: it would be so for any other text."""


class UsageError(AttnvizError):
    """The same for options and arguments that do not fit together: wrong usage, not wrong data."""

    exit_code = USAGE
