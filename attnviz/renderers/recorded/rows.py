"""What the table of a recording says, as data: its cells, and the sentences below it."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from attnviz.choices import Language
from attnviz.text.display import shown_line
from attnviz.text.lessons import Lessons
from attnviz.text.message import told
from attnviz.trace.recorded import How, Kept, RecordedLayer, RecordedLayers

COLUMNS = ("number", "module", "how", "items", "heads", "tokens", "kept")
TEXTS = {"module", "how", "kept"}  # columns of words


class Told(NamedTuple):
    """A table of a recording.

    columns    the titles
    rows       a row of cells for each attention
    sentences  what is to be known beside it
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sentences: tuple[str, ...]


def told_layers(layers: RecordedLayers, words: Lessons, language: Language = Language.EN) -> Told:
    """What there is to say of ``layers``, in ``words``, which are in ``language``."""
    if not layers.rows:
        return Told((), (), (words.say("recorded.none"), *_others(layers, language)))
    return Told(
        tuple(words.say(f"recorded.{name}") for name in COLUMNS),
        tuple(_cells(one, words) for one in layers.rows),
        (*_notes(layers, language), *_others(layers, language)),
    )


def _cells(one: RecordedLayer, words: Lessons) -> tuple[str, ...]:
    path = shown_line(one.path) or "·"
    return (
        str(one.number),
        f"{path} #{one.call}" if one.call else path,
        words.say("recorded.by_hand") if one.how is How.BY_HAND else one.how.value,
        f"{one.items // one.windows} × {one.windows}" if one.windows > 1 else str(one.items or ""),
        f"{one.heads} / {one.kv_heads}" if one.kv_heads != one.heads else str(one.heads or ""),
        str(one.queries or "") if one.queries == one.keys else f"{one.queries} → {one.keys}",
        _kept(one, words),
    )


def _kept(one: RecordedLayer, words: Lessons) -> str:
    if one.kept is Kept.WHOLE:
        return words.say("recorded.unchecked") if one.error is None else f"± {one.error:.1e}"
    return words.say(f"recorded.{one.kept.value}")


def _notes(layers: RecordedLayers, language: Language) -> tuple[str, ...]:
    """Each note once, with the numbers of its layers before it."""
    pairs = [(note, one.number) for one in layers.rows for note in one.notes]
    first = {note: place for place, (note, _) in reversed(list(enumerate(pairs)))}
    ordered = sorted(pairs, key=lambda pair: (first[pair[0]], pair[1]))
    return tuple(
        f"{_ranges([number for _, number in group])}: {told(note, language)}"
        for note, group in groupby(ordered, key=lambda pair: pair[0])
    )


def _others(layers: RecordedLayers, language: Language) -> tuple[str, ...]:
    return tuple(told(note, language) for note in layers.notes)


def _ranges(numbers: list[int]) -> str:
    """0-3, 5"""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
