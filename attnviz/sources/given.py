"""Many texts that a model is given, and what it answers to each."""

from __future__ import annotations

from typing import Any, NamedTuple

from attnviz.errors import AttnvizError
from attnviz.trace.trace import Trace

Answer = tuple[int, Trace | AttnvizError]  # of one text of many: its number from 0, and its trace or why there is none


class Given(NamedTuple):
    """One text of many, with what is read beside it: as of ``attnviz.trace_model``."""

    text: Any
    target: Any = None
    pair: str | None = None
    image: Any = None
