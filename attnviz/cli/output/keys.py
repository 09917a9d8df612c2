"""A person's key between two screens."""

from __future__ import annotations

import os
import sys

from attnviz.cli.output.files import write

STOPS = {b"q", b"Q", b"\x1b", b"\x04", b""}  # q, Escape, Ctrl-D, and a terminal that is gone
AT_ONCE = 32  # bytes: an arrow sends several for one press


def has_keyboard() -> bool:
    """Whether standard input is a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()


def goes_on(prompt: str) -> bool:
    """Show ``prompt``, wait for a key, take the prompt away; False where the key means that the person stops."""
    from rich.cells import cell_len

    write([prompt.encode(errors="replace")], None)
    try:
        return _key() not in STOPS
    finally:
        write([f"\r{' ' * cell_len(prompt)}\r".encode()], None)


def _key() -> bytes:
    """The bytes of the next key, without Enter."""
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.getwch().encode()
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard, termios.TCSANOW)  # a key that was pressed early counts, and Ctrl-C still interrupts
        return os.read(keyboard, AT_ONCE)
    finally:
        termios.tcsetattr(keyboard, termios.TCSANOW, before)
