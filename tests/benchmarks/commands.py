"""The commands that are measured, as lists of words."""

from __future__ import annotations

import sys
from pathlib import Path

PEERS = Path(__file__).parent / "peers"


def attnviz(*arguments: str) -> list[str]:
    """The program, as a user runs it."""
    return [str(Path(sys.executable).with_name("attnviz")), *arguments]


def peer(script: str, *arguments: str) -> list[str]:
    """A script that stands beside it."""
    return [sys.executable, str(PEERS / script), *arguments]
