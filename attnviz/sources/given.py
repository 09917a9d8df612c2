"""Many texts that a model is given, and what it answers to each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from attnviz.errors import AttnvizError, ChoiceError, UsageError

if TYPE_CHECKING:
    from attnviz.trace.trace import Trace

# Of one text of many: its number from 0, and its trace, or what is made of it, or why there is none.
Answer = tuple[int, Any | AttnvizError]
Then = Callable[["Trace"], Any]  # what is made of each trace, as soon as it is there


class Given(NamedTuple):
    """One text of many, with what is read beside it: as of ``attnviz.trace_model``."""

    text: Any
    target: Any = None
    pair: str | None = None
    image: Any = None


def as_it_is(trace: Trace) -> Trace:
    """Nothing is made of it."""
    return trace


def made(then: Then, trace: Trace) -> Any:
    """What is made of a trace, or why nothing is; what no other text would do better is raised."""
    try:
        return then(trace)
    except (ChoiceError, UsageError):
        raise
    except AttnvizError as error:
        return error
