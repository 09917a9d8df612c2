"""A text, or many one after the other: those that can be read, and why others cannot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.trace.trace import Trace


class Counts(Protocol):
    """How many texts were added; and those that were skipped are told to it."""

    texts: int

    def skip(self, said: str, name: str = "") -> None:
        """One more text that could not be read: what is said of it, and its name."""


def gather(statistics: Counts, texts: Any, add: Callable[[Any, str], None]) -> dict[int, AttnvizError]:
    """Add ``texts``, one or many, each with its place as its name; why some could not be read, by their places. Where none can, the error of the first is raised."""
    if isinstance(texts, Trace | str | Mapping | os.PathLike):
        add(texts, "0")
        return {}
    if not isinstance(texts, Iterable):
        raise AttnvizError("texts is {kind}: expected a text, a trace, or a list of them", kind=type(texts).__name__)
    errors: dict[int, AttnvizError] = {}
    for place, text in enumerate(texts):
        try:
            add(text, str(place))
        except (ChoiceError, UsageError):  # no other text would do better
            raise
        except AttnvizError as error:
            errors[place] = AttnvizError("text {place}: {said}", error.hint, place=place, said=error.message)
            statistics.skip(error.message, str(place))
    if not statistics.texts:
        raise next(iter(errors.values()), AttnvizError("there are no texts", "give at least one"))
    return errors
