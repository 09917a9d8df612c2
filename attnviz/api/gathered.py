"""Many texts, one after the other: those that can be read, and why others cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from attnviz.errors import AttnvizError, ChoiceError, UsageError


class Counts(Protocol):
    """How many texts were added, and how many skipped."""

    texts: int
    skipped: int


def gather(statistics: Counts, texts: Any, add: Callable[[Any], None]) -> dict[int, AttnvizError]:
    """Add each of ``texts``; why some could not be read, by their places. Where none can, the error of the first is raised."""
    errors: dict[int, AttnvizError] = {}
    for place, text in enumerate(texts):
        try:
            add(text)
        except (ChoiceError, UsageError):  # no other text would do better
            raise
        except AttnvizError as error:
            errors[place] = AttnvizError("text {place}: {said}", error.hint, place=place, said=error.message)
            statistics.skipped += 1
    if not statistics.texts:
        raise next(iter(errors.values()), AttnvizError("there are no texts", "give at least one"))
    return errors
