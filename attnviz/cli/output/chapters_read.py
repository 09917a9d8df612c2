"""Which chapters of the course a person has read, in a small file of the user's state folder.

The course works without it: where there is no home, nothing is kept; what is no such file counts as none.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from attnviz.choices import CHAPTER_LIMITS
from attnviz.cli.output.streams import notice
from attnviz.errors import AttnvizError
from attnviz.files import read_whole, write_whole
from attnviz.text.message import Message

LARGEST = 1 << 16  # bytes: more than the few numbers need
PLACE = Path("attnviz") / "learn.json"


def chapters_read() -> set[int]:
    """The numbers of the chapters that were read to the end."""
    path = _path()
    if path is None:
        return set()
    try:
        read = json.loads(read_whole(path, LARGEST))["read"]
        return {number for number in read if type(number) is int and number in _numbers()}
    except (AttnvizError, ValueError, TypeError, KeyError, RecursionError):
        return set()


def remember_read(number: int) -> None:
    """Note that a chapter was read to the end; where that cannot be kept, a notice says so."""
    path = _path()
    read = chapters_read()
    if path is None or number in read:
        return
    content = json.dumps({"attnviz": 1, "read": sorted({*read, number})}).encode()
    with suppress(OSError):  # what comes of it is said below
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_whole(path, [content, b"\n"])
    except AttnvizError as error:
        notice(Message("the list of chapters will not show that you read this one: {reason}", reason=error.message))


def _path() -> Path | None:
    """The file; None where the user has neither a state folder nor a home."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):  # as the XDG specification has it; a relative one is to be ignored
        return Path(state) / PLACE
    home = os.environ.get("HOME", os.path.expanduser("~"))  # of an empty one expanduser makes the root folder
    return Path(home) / ".local" / "state" / PLACE if os.path.isabs(home) and os.path.isdir(home) else None


def _numbers() -> range:
    low, high = CHAPTER_LIMITS
    return range(int(low), int(high or low) + 1)
