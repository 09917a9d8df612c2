"""The texts that statistics are of: how many, where they come from, and which were left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from attnviz.analysis.corpus.alike import require_alike, require_same
from attnviz.analysis.corpus.skipped import SKIPPED, LeftOut, Skipped, left_out_record
from attnviz.text.display import shown_line
from attnviz.trace.origin import Origin, read_origin
from attnviz.trace.schema import COUNT, FLAG, NUMBER, TEXT, object_of, real

# What says of which model, or which toy, numbers are; the rest (a device, a version) may differ by machine.
SAME = (
    *("kind", "model", "adapter", "architecture", "dtype", "merged"),
    *("tokenizer", "seed", "dim", "position", "projected", "own"),
)
OF_FILES = ("model", "adapter")  # folders, which may have other names elsewhere: the weights themselves tell
TEXTS = {
    "texts": COUNT,
    "tokens": COUNT,
    "partial": FLAG,
    "source": object_of({}),
    "model": TEXT,
    "weights": TEXT,
    "error": NUMBER.or_null(),
    "sampled": COUNT,
    "asked": object_of({}),
    "skipped": SKIPPED,
}

Own = TypeVar("Own", bound="Texts")


class Texts:
    """What is counted of texts, whatever is measured of them.

    texts    how many were added; tokens, how many they had together
    skipped  how many could not be read; reasons, why
    partial  whether more were meant to come
    source   where they come from: what is the same of all of them; model, its name or ""
    weights  a hash of the model's own weights; "" where nobody has computed it
    error    how far the recomputed outputs are at most from the model's own; None: there is no model
    sampled  of how many texts only some of the queries were compared with these
    asked    how the texts were read and which part of them was measured, by the names of options: statistics that were
             asked for otherwise cannot be merged
    each_left_out  the texts that were left out, one by one, where somebody keeps them, for the file alone; as a rule nobody does
    """

    each_left_out: Sequence[LeftOut] = ()

    def __init__(self) -> None:
        self.texts, self.tokens, self.partial = 0, 0, False
        self.source: dict[str, Any] = {}
        self.model = self.weights = ""
        self.error: float | None = None
        self.sampled = 0
        self.asked: dict[str, Any] = {}
        self.left_out_texts = Skipped()

    @property
    def skipped(self) -> int:
        """How many texts could not be read."""
        return self.left_out_texts.count

    def skip(self, said: str, name: str = "") -> None:
        """One more text that could not be read: what is ``said`` of it, and its name."""
        self.left_out_texts = self.left_out_texts.plus(name, said)

    def one_more(self, source: Origin, tokens: int) -> dict[str, Any]:
        """What changes with one more text, by the names of attributes."""
        one = Texts()
        one.texts, one.tokens, one.model = 1, tokens, source.model_name
        one.source, one.error = source.of_any_text(), source.agreement.largest_error
        one.sampled = int(bool(source.agreement.sampled))
        return self._counted(one) | {"model": one.model}

    def counts_with(self, other: Texts) -> dict[str, Any]:
        """What both count together, by the names of attributes; AttnvizError where their models or options differ."""
        require_alike(self.asked, other.asked)
        if self.texts and other.texts:
            known = bool(self.weights and other.weights)
            if known and self.weights != other.weights:
                require_same("model", *(f"{one.model} ({one.weights[:8]})" for one in (self, other)))
            for name in (name for name in SAME if name in self.source and name in other.source):
                if not (known and name in OF_FILES):
                    require_same(name, self.source[name], other.source[name])
        return self._counted(other) | {
            "partial": self.partial or other.partial,
            "model": min(filter(None, (self.model, other.model)), default=""),
            "weights": self.weights or other.weights,
            "asked": self.asked,
            "left_out_texts": self.left_out_texts.merged(other.left_out_texts),
        }

    def _counted(self, other: Texts) -> dict[str, Any]:
        errors = [one for one in (self.error, other.error) if one is not None]
        return {
            "texts": self.texts + other.texts,
            "tokens": self.tokens + other.tokens,
            "source": _of_both(self, other),
            "error": max(errors, default=None),
            "sampled": self.sampled + other.sampled,
        }

    def texts_record(self) -> dict[str, Any]:
        """All of it, as JSON holds it."""
        own = {name: getattr(self, name) for name in TEXTS if name != "skipped"}
        each = {"left_out": left_out_record(self.each_left_out)} if self.each_left_out else {}
        return own | {"source": dict(self.source), "skipped": self.left_out_texts.record(), **each}

    def take_texts(self, record: Mapping[str, Any]) -> None:
        """What ``record`` has written, which holds what TEXTS says."""
        for name in TEXTS:
            setattr(self, name, record[name]) if name not in ("skipped", "source") else None
        self.source, self.left_out_texts = read_origin(record["source"]), Skipped.of_record(record["skipped"])
        self.model, self.error = shown_line(self.model), real(self.error)


def _of_both(one: Texts, other: Texts) -> dict[str, Any]:
    """What is the same of the texts of both."""
    if not one.texts or not other.texts:
        return other.source if not one.texts else one.source
    return Origin({name: value for name, value in one.source.items() if other.source.get(name, ...) == value})
