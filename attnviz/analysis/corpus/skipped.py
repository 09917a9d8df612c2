"""The texts that were left out: how many for which reason, and the names of the first few."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from attnviz.choices import Language
from attnviz.errors import AttnvizError
from attnviz.text.display import shown_line
from attnviz.text.message import Message, again, told
from attnviz.trace.schema import COUNT, TEXT, TOKENS, Kind, list_of, object_of, require_kind

DEPTH = 8  # of a sentence in a sentence: more than any has
NAMED = 3  # texts of each reason that are kept by name
OTHERS = "…"  # stands where texts have this, that and another number
SAID = object_of({"template": TEXT, "values": object_of({})}, "template", "values")
LEFT_OUT: Kind = list_of(
    object_of({"place": COUNT, "name": TEXT, "said": SAID, "hint": SAID}, "place", "name", "said", "hint"),
    Message("a list of texts"),
)
REASON = object_of({"count": COUNT, "names": TOKENS, "said": SAID}, "count", "names", "said")
SKIPPED: Kind = list_of(REASON, Message("a list of reasons"))


class LeftOut(NamedTuple):
    """One text that was left out: its place among those that were read with it, its name, and why."""

    place: int
    name: str
    error: AttnvizError


class Reason(NamedTuple):
    """Why texts were left out: what was said of them, with … where they differ; how many there were, and the names of the first few."""

    said: str
    texts: int
    names: tuple[str, ...]

    def told(self, language: Language) -> str:
        """What was said, in ``language``."""
        return told(self.said, language)


class Skipped:
    """The texts that were left out, by what was wrong with them: the same sentence, whatever numbers it names."""

    def __init__(self, reasons: Mapping[str, Reason] | None = None) -> None:
        self._reasons = dict(reasons or {})

    @property
    def count(self) -> int:
        """How many were left out."""
        return sum(reason.texts for reason in self._reasons.values())

    @property
    def reasons(self) -> list[Reason]:
        """Each reason, the most common first."""
        return sorted(self._reasons.values(), key=lambda reason: (-reason.texts, reason.said))

    def plus(self, name: str, said: str) -> Skipped:
        """The same with one more text, and what was wrong with it."""
        return self.merged(Skipped({_sentence(said): Reason(said, 1, (name,) if name else ())}))

    def merged(self, other: Skipped) -> Skipped:
        """Those of both; the names of ``other`` come after these."""
        both = dict(self._reasons)
        for sentence, reason in other._reasons.items():
            first = both.get(sentence, Reason(reason.said, 0, ()))
            names = (*first.names, *reason.names)[:NAMED]
            both[sentence] = Reason(_of_both(first.said, reason.said), first.texts + reason.texts, names)
        return Skipped(both)

    def record(self) -> list[dict[str, Any]]:
        """All of it, as JSON holds it."""
        return [
            {"count": one.texts, "names": list(one.names), "said": _said_record(one.said)}
            for one in self._reasons.values()
        ]

    @classmethod
    def of_record(cls, record: list[dict[str, Any]]) -> Skipped:
        """What ``record`` has written, which is of the kind SKIPPED."""
        reasons = [Reason(_said_of(one["said"]), one["count"], tuple(one["names"])) for one in record]
        return cls({_sentence(one.said): one for one in reasons})


def left_out_record(each: Iterable[LeftOut]) -> list[dict[str, Any]]:
    """Texts that were left out, one by one, as JSON holds them."""
    return [
        {
            "place": one.place,
            "name": one.name,
            "said": _said_record(one.error.message),
            "hint": _said_record(one.error.hint),
        }
        for one in each
    ]


def left_out_of(record: Any) -> list[LeftOut]:
    """What ``left_out_record`` wrote; AttnvizError where it was another."""
    require_kind(record, LEFT_OUT, "left_out")
    return [
        LeftOut(one["place"], one["name"], AttnvizError(_said_of(one["said"]), _said_of(one["hint"]))) for one in record
    ]


def _sentence(said: str) -> str:
    """What is the same in all texts of which it is said."""
    return said.template if isinstance(said, Message) else said


def _of_both(one: str, other: str) -> str:
    """What is true of both: the same sentence, without the numbers of either where they differ."""
    if one == other:
        return one
    if not (isinstance(one, Message) and isinstance(other, Message) and one.template == other.template):
        return OTHERS
    return again(
        one.template, {name: _of_both(value, other.values.get(name, "")) for name, value in one.values.items()}
    )


def _said_record(said: str) -> dict[str, Any]:
    """A sentence and what stands in its places, so that it can be told in another language later."""
    if not isinstance(said, Message):
        return {"template": said, "values": {}}
    values = {name: _said_record(one) if isinstance(one, Message) else one for name, one in said.values.items()}
    return {"template": said.template, "values": values}


def _said_of(record: Mapping[str, Any], depth: int = 0) -> str:
    """The sentence that ``_said_record`` took apart; AttnvizError where it was another."""
    require_kind(record, SAID, "said")
    if depth > DEPTH:
        raise AttnvizError("said is nested too deeply: expected at most {depth} levels", depth=DEPTH)
    values = {
        name: _said_of(one, depth + 1) if isinstance(one, dict) else shown_line(str(one))
        for name, one in record["values"].items()
    }
    return again(shown_line(record["template"]), values)
