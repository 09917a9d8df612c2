"""python -m attnviz, and the program attnviz."""

import gc
import signal
import sys
from types import FrameType

from attnviz.errors import Terminated, interruption_code


def run() -> None:
    """Run the command line on the program's arguments, and exit with its code."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # not where whoever started it has it ignored
        signal.signal(signal.SIGTERM, _terminate)
    # Start-up makes thousands of objects and no garbage: looking for it takes a sixth of the time, and as much again
    # when the interpreter ends. What long runs leave is still collected, seldom.
    gc.disable()
    try:
        from attnviz.cli.app import main

        gc.freeze()
        gc.set_threshold(300_000)
        gc.enable()
        code = main()
        gc.freeze()
    except KeyboardInterrupt as error:
        code = interruption_code(error)
    finally:
        _leave_nothing()
    sys.exit(code)


def _terminate(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (a handler's signature)
    raise Terminated


def _leave_nothing() -> None:
    """Remove what a second signal has kept from being removed. From here on a signal ends the program as it would any."""
    ours = [number for number in (signal.SIGINT, signal.SIGTERM) if callable(signal.getsignal(number))]
    for number in ours:
        signal.signal(number, signal.SIG_IGN)
    if (files := sys.modules.get("attnviz.files")) is not None:
        files.remove_unfinished()
    for number in ours:
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    run()
