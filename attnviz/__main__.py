"""python -m attnviz, and the program attnviz."""

import gc
import signal
import sys
from types import FrameType

from attnviz.errors import INTERRUPTED, TERMINATED

SOON = 0.001  # seconds
LOCKING = ("_frozen_importlib", "importlib._bootstrap", "threading")  # modules that take locks of Python's own
# Their functions that may wait for long: they let go of locks whatever comes.
WAITING = ("wait", "join", "_wait_for_tstate_lock")
AGAIN = hasattr(signal, "setitimer")  # whether a signal can come again a little later: not on Windows
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
        self._unraisable, sys.unraisablehook = sys.unraisablehook, self._ignored

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
        self._no_more()
        sys.unraisablehook = self._unraisable

    def _came(self, number: int, frame: FrameType | None) -> None:
        self.code = CODES[signal.Signals(number)]
        self._raise(number, frame)

    def _raise(self, _: int, frame: FrameType | None) -> None:
        if self.wait:
            return
        if AGAIN and _must_not_end(frame):
            self._again()
        else:
            self._no_more()
            raise _Interrupt

    def _ignored(self, what: "sys.UnraisableHookArgs") -> None:
        """What Python tells of an exception where nobody hears it, as in __del__ and in what follows the end of an object."""
        if AGAIN and what.exc_type is _Interrupt:
            self._again()
        else:
            self._unraisable(what)

    def _again(self) -> None:
        """Interrupt the run a little later, and again until it is: what comes just before Python waits for something is not heard. Not by
        a thread, since what runs here may hold the lock by which one begins."""
        signal.signal(signal.SIGALRM, self._raise)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})  # whoever started the program may have blocked it
        signal.setitimer(signal.ITIMER_REAL, SOON, SOON)

    def _no_more(self) -> None:
        if AGAIN:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _must_not_end(frame: FrameType | None) -> bool:
    """Whether an exception from here would do harm. Python's own code for imports and threads takes locks which it would then keep, so
    that other threads wait for ever, and in the end the program for them. And it ends many a compiled module that is being imported,
    and the program with it, by abort()."""
    if frame is None:
        return False
    if str(frame.f_globals.get("__name__")).startswith(LOCKING) and frame.f_code.co_name not in WAITING:
        return True
    while frame is not None:
        if frame.f_code.co_qualname.startswith("ExtensionFileLoader."):
            return True
        frame = frame.f_back
    return False


if __name__ == "__main__":
    run()
