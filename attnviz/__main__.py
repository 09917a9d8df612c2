"""python -m attnviz, and the program attnviz."""

import gc
import signal
import sys
import threading
from types import FrameType

from attnviz.errors import INTERRUPTED, TERMINATED

SOON = 0.01  # seconds
SKETCHES = "_datasketches"  # the compiled module of quantiles
CODES = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}


def run() -> None:
    """Run the command line on the program's arguments, and exit with its code."""
    signals = _Signals()
    # Start-up makes thousands of objects and no garbage: looking for it takes a sixth of the time, and as much again
    # when the interpreter ends. What long runs leave is still collected, seldom.
    gc.disable()
    try:
        signals.interrupt()
        from attnviz.cli.app import main

        gc.freeze()
        gc.set_threshold(300_000)
        gc.enable()
        code = main()
        if SKETCHES not in sys.modules:  # it counts what is still there in the end, and tells a person of each
            gc.freeze()
        signals.wait = True
    except KeyboardInterrupt:
        signals.wait = True
        code = INTERRUPTED
    except Exception:
        # Libraries that are interrupted midway may fail as they close what they had half built (matplotlib's PDF does).
        if signals.code is None:
            raise
        signals.wait = True
        code = signals.code
    finally:
        signals.leave_nothing()
    sys.exit(code if signals.code is None else signals.code)


class _Interrupt(KeyboardInterrupt):
    """An interruption of a class of our own: CPython (3.11, at least) remembers a KeyboardInterrupt that passed through an
    exec() of a text, as dataclasses do while they are imported, and in the end kills the program by SIGINT, caught or not."""


class _Signals:
    """Ctrl-C and SIGTERM end the run alike, by an exception that lets all tidy up; each with its own exit code.

    ``code`` is that of a signal that came. Before the run has begun, and once it ends, none interrupts it: they ``wait``.
    """

    def __init__(self) -> None:
        self.code: int | None = None
        self.wait = True
        usual = (signal.SIG_DFL, signal.default_int_handler)  # else whoever started it has it ignored
        self.ours = [number for number in CODES if signal.getsignal(number) in usual]
        for number in self.ours:
            signal.signal(number, self._came)

    def _came(self, number: int, frame: FrameType | None) -> None:
        self.code = CODES[signal.Signals(number)]
        if self.wait:
            return
        if not _loads_compiled_code(frame):
            raise _Interrupt
        again = threading.Timer(SOON, signal.pthread_kill, (threading.get_ident(), number))
        again.daemon = True
        again.start()

    def interrupt(self) -> None:
        """Let signals interrupt the run from here on, and one that came already."""
        self.wait = False
        if self.code is not None:
            raise _Interrupt

    def leave_nothing(self) -> None:
        """Remove what a second signal has kept from being removed. From here on a signal ends the program like any other."""
        self.wait = True
        if (files := sys.modules.get("attnviz.files")) is not None:
            files.remove_unfinished()
        for number in self.ours:
            signal.signal(number, signal.SIG_DFL)


def _loads_compiled_code(frame: FrameType | None) -> bool:
    """Whether a compiled module is being imported: an exception in between ends many of them, and the program, by abort()."""
    while frame is not None:
        if frame.f_code.co_qualname.startswith("ExtensionFileLoader."):
            return True
        frame = frame.f_back
    return False


if __name__ == "__main__":
    run()
