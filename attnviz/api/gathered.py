"""A text, or many one after the other: those that can be read, and why others cannot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.texts.corpus import Unread
from attnviz.trace.trace import Trace


class Counts(Protocol):
    """How many texts were added; and those that were skipped are told to it."""

    texts: int

    def skip(self, said: str, name: str = "") -> None:
        """One more text that could not be read: what is said of it, and its name."""


Each = Callable[[Iterable[Any]], Iterator[tuple[Any, Any]]]  # of texts, each with what is made of it or why nothing is


def as_they_are(texts: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Texts of which nothing is made before they are added; blank ones are none."""
    for text in texts:
        if not getattr(text, "blank", False):
            yield text, text.error if isinstance(text, Unread) else text


def gather(
    statistics: Counts, texts: Any, add: Callable[[Any, str], None], each: Each = as_they_are
) -> dict[int, AttnvizError]:
    """Add what ``each`` makes of ``texts``, one or many, with the text's name; why some could not be read, by their places.

    Where none can, the error of the first is raised.
    """
    if isinstance(texts, Trace | str | Mapping | os.PathLike):
        for _, made in each([texts]):
            if isinstance(made, AttnvizError):
                raise made
            add(made, "0")
        return {}
    if not isinstance(texts, Iterable):
        raise AttnvizError("texts is {kind}: expected a text, a trace, or a list of them", kind=type(texts).__name__)
    errors: dict[int, AttnvizError] = {}
    for place, (text, made) in enumerate(each(texts)):
        name = str(getattr(text, "name", place))
        try:
            if isinstance(made, AttnvizError):
                raise made
            add(made, name)
        except (ChoiceError, UsageError):  # no other text would do better
            raise
        except AttnvizError as error:
            errors[place] = AttnvizError("text {place}: {said}", error.hint, place=name, said=error.message)
            statistics.skip(error.message, name)
    if not statistics.texts:
        raise next(iter(errors.values()), AttnvizError("there are no texts", "give at least one"))
    return errors
