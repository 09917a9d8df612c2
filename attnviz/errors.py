"""The one error that a user may see, and the exit codes of the program."""

DONE = 0
FAILED = 1  # the data or the machine
USAGE = 2
INTERRUPTED = 130  # as a shell says it of a program that Ctrl-C has ended
TERMINATED = 143  # and of one that SIGTERM has


class AttnvizError(Exception):
    """A problem with the data or the machine, told in one line.

    ``message`` says what came, what was expected and the rule; ``hint`` says what to do about it.
    The command line prints both on stderr and exits with ``exit_code``.
    """

    exit_code = FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ChoiceError(AttnvizError):
    """The same for a layer or a head that does not exist: it would be so for any other text."""


class UsageError(AttnvizError):
    """The same for options and arguments that do not fit together: wrong usage, not wrong data."""

    exit_code = USAGE
