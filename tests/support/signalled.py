"""attnviz, to which a signal comes at one place of Python's own code: python signalled.py MODULE NUMBER ARGUMENT …

Python looks for signals behind each call, where a function begins, and where a loop does. Of all these places in a module the run
meets one NUMBERth; 0 counts them: the last line on stderr is how many there are.
"""

from __future__ import annotations

import opcode
import signal
import sys
from types import FrameType
from typing import Any

from attnviz.__main__ import run

LOOKS = {opcode.opmap[name] for name in ("CALL", "CALL_FUNCTION_EX", "RESUME", "JUMP_BACKWARD")}
STEP = 2  # bytes of an instruction, and of the room for what Python remembers of one


class Places:
    """The places that are met, until the one at which the signal comes."""

    def __init__(self, module: str, number: int) -> None:
        self.module, self.number, self.met = module, number, 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        """What sys.settrace() asks for."""
        if frame.f_globals.get("__name__") != self.module:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode" and _last_instruction(frame) in LOOKS:
            self.met += 1
            if self.met == self.number:
                sys.settrace(None)
                handler = signal.getsignal(signal.SIGTERM)
                if callable(handler):  # not once the run is over
                    handler(signal.SIGTERM, frame)
        return self


def _last_instruction(frame: FrameType) -> int:
    """That before the next one."""
    code, place = frame.f_code.co_code, frame.f_lasti - STEP
    while place > 0 and not code[place]:
        place -= STEP
    return code[place]


if __name__ == "__main__":
    places = Places(sys.argv[1], int(sys.argv[2]))
    sys.argv[:] = ["attnviz", *sys.argv[3:]]
    sys.settrace(places)
    try:
        run()
    finally:
        sys.settrace(None)
        if not places.number:
            print(places.met, file=sys.stderr)
