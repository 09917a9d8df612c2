"""A text, or many one after the other: those that can be read, and why others cannot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from attnviz.analysis.corpus.skipped import LeftOut
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
    errors = {one.place: error_of(one) for one in each_added(statistics, texts, add, each)}
    if not statistics.texts:
        raise next(iter(errors.values()), AttnvizError("there are no texts", "give at least one"))
    return errors


def each_added(
    statistics: Counts, texts: Iterable[Any], add: Callable[[Any, str], None], each: Each = as_they_are
) -> list[LeftOut]:
    """Add what ``each`` makes of ``texts``, and skip those of which nothing is made: these come back, with the reason of each."""
    left_out: list[LeftOut] = []
    for place, (text, made) in enumerate(each(texts)):
        name = str(getattr(text, "name", place))
        try:
            if isinstance(made, AttnvizError):
                raise made
            add(made, name)
        except (ChoiceError, UsageError):  # no other text would do better
            raise
        except AttnvizError as error:
            left_out.append(LeftOut(place, name, error))
            statistics.skip(error.message, name)
    return left_out


def error_of(one: LeftOut) -> AttnvizError:
    """Why a text was left out, with its name."""
    return AttnvizError("text {place}: {said}", one.error.hint, place=one.name, said=one.error.message)
