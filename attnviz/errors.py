"""The one error that a user may see."""


class AttnvizError(Exception):
    """A problem with the data or the machine, told in one line.

    ``message`` says what came, what was expected and the rule; ``hint`` says what to do about it.
    The command line prints both on stderr and exits with ``exit_code``.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ChoiceError(AttnvizError):
    """The same for a layer or a head that does not exist: it would be so for any other text."""


class UsageError(AttnvizError):
    """The same for options and arguments that do not fit together: wrong usage, not wrong data."""

    exit_code = 2
