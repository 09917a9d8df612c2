"""What the record of a saved trace says, field by field: checked once, when the trace is loaded.

A field that is not named here is of a later attnviz, and is left alone. Which numbers make a rule or a layer, these say
themselves; here stands only of which kind each is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from attnviz.errors import AttnvizError
from attnviz.text.message import Message
from attnviz.trace.asking import ROLES
from attnviz.trace.roles import Verdict

SHOWN = 40  # characters of a value that an error quotes


class Kind(NamedTuple):
    """What a field may hold.

    expected  how an error says it
    fits      whether a value is of this kind
    fields    of an object, those that must be of a kind when they are there
    items     of a list, what each item is
    required  of an object, the fields that must be there
    """

    expected: str
    fits: Callable[[Any], bool]
    fields: Mapping[str, Kind] = {}
    items: Kind | None = None
    required: tuple[str, ...] = ()

    def or_null(self) -> Kind:
        """The same, or null."""
        return self._replace(
            expected=Message("{expected} or null", expected=self.expected),
            fits=lambda value: value is None or self.fits(value),
        )


def _is_number(value: Any) -> bool:
    """Whether it is one that a float can hold: a whole number of 400 digits is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def real(value: float | None) -> float | None:
    """A number that fits NUMBER, or null, as one that every format can write: JSON may hold a whole one of 30 digits."""
    return None if value is None else float(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def list_of(items: Kind, expected: str) -> Kind:
    """A list of such items."""
    return Kind(expected, lambda value: isinstance(value, list), items=items)


def object_of(fields: Mapping[str, Kind], *required: str) -> Kind:
    """Names and values: each of ``fields`` is of its kind where it is there, and the ``required`` are there."""
    return Kind(Message("names and values"), lambda value: isinstance(value, dict), fields, required=required)


def _shares(*names: str) -> dict[str, Kind]:
    """Shares, and the interval of each."""
    return dict.fromkeys(names, SHARE) | {f"{name}_interval": INTERVAL for name in names}


TEXT = Kind(Message("a text"), lambda value: isinstance(value, str))
FLAG = Kind(Message("true or false"), lambda value: isinstance(value, bool))
WHOLE = Kind(Message("a whole number"), _is_whole)
COUNT = Kind(Message("a whole number, 0 or more"), lambda value: _is_whole(value) and 0 <= value < 2**63)
NUMBER = Kind(Message("a finite number"), _is_number)
TOKENS = list_of(TEXT, Message("a list of texts"))

SHARE = Kind(Message("a share from 0 to 1"), lambda value: _is_number(value) and 0 <= value <= 1)
INTERVAL = Kind(
    Message("the two ends of an interval"), lambda value: isinstance(value, list) and len(value) == 2, items=SHARE
)  # of a share

RULE = object_of(
    {
        "scale": NUMBER.or_null(),
        "causal": FLAG,
        "query_offset": WHOLE.or_null(),
        "window": WHOLE.or_null(),
        "softcap": NUMBER.or_null(),
    }
)
LAYER = object_of(
    {
        "index": WHOLE,
        "name": TEXT,
        "kind": TEXT,
        "tokens": TOKENS.or_null(),
        "key_tokens": TOKENS.or_null(),
        "rotary": FLAG,
        "toward": TEXT,
        "rotation": object_of({"halves": FLAG, "gain": NUMBER}),
        "slopes": list_of(NUMBER, Message("a list of numbers")).or_null(),
        "rule": RULE,
    },
    "rule",
)
PREDICTION = Kind(
    Message("a token and its probability"),
    lambda value: isinstance(value, list) and len(value) == 2 and TEXT.fits(value[0]) and NUMBER.fits(value[1]),
)
SPAN = Kind(
    Message("where its characters begin and end"),
    lambda value: isinstance(value, list) and len(value) == 2,
    items=WHOLE,
)
GENERATION = object_of(
    {
        "chosen": TOKENS,
        "probabilities": list_of(NUMBER, Message("a list of numbers")),
        "prompt": TEXT.or_null(),
        "text": TEXT.or_null(),
    },
    "chosen",
)
OF_ROLES = object_of(dict.fromkeys(ROLES, SHARE))
HEAD_ROLE = object_of(
    {
        "role": Kind(Message("one of {roles}", roles=", ".join(ROLES)), lambda value: value in ROLES),
        "verdict": Kind(Message("one of {verdict}", verdict=", ".join(Verdict)), lambda value: value in list(Verdict)),
        "layer": WHOLE,
        "head": WHOLE,
        **_shares("hits", "word_before", "accuracy", "others", "patched"),
        "offset": object_of({"offset": WHOLE, **_shares("hits")}, "offset", "hits", "hits_interval"),
        "ablated": OF_ROLES,
        "ablated_interval": object_of(dict.fromkeys(ROLES, INTERVAL)),
        "helpers": list_of(
            object_of(
                {"layer": WHOLE, "head": WHOLE, **_shares("accuracy")}, "layer", "head", "accuracy", "accuracy_interval"
            ),
            Message("a list of heads"),
        ),
        "missing": TOKENS,
        "example": object_of(
            {
                "tokens": TOKENS,
                "true": WHOLE,
                "answer": TEXT,
                "weights": list_of(NUMBER, Message("a list of numbers")),
            },
            "tokens",
            "true",
            "answer",
            "weights",
        ),
    },
    "role",
    "layer",
    "head",
    "hits",
    "hits_interval",
    "offset",
    "helpers",
    "missing",
)
FACTS = object_of(
    {
        "words": list_of(WHOLE.or_null(), Message("a list of whole numbers")),
        "spans": list_of(SPAN.or_null(), Message("a list of lists")),
        "texts": TOKENS,
        "segments": list_of(WHOLE.or_null(), Message("a list of whole numbers")),
    }
)
RECORD = object_of(
    {
        "tokens": TOKENS,
        "source": object_of({}),
        "layers": list_of(LAYER, Message("a list of layers")),
        "predictions": list_of(list_of(PREDICTION, Message("a list of predictions")), Message("a list of lists")),
        "generation": GENERATION,
        "roles": list_of(HEAD_ROLE, Message("a list of roles")),
        "facts": FACTS,
        "target_facts": FACTS,
    },
    "tokens",
    "source",
    "layers",
)


def require_record(record: Any) -> None:
    """Raise the AttnvizError that names the first field of ``record`` that is missing, or is of another kind."""
    require_kind(record, RECORD)


def require_kind(value: Any, kind: Kind, place: str = "") -> None:
    """Raise the AttnvizError that names the first place in ``value`` that is not of ``kind``; ``place`` is where it stands."""
    if not kind.fits(value):
        raise AttnvizError(
            "{place} is {value}, expected {expected}",
            place=place or Message("it"),
            value=_quoted(value),
            expected=kind.expected,
        )
    if isinstance(value, dict):
        for name in kind.required:
            if name not in value:
                raise AttnvizError("{place} lacks {name}", place=place or Message("it"), name=name)
        for name, field in kind.fields.items():
            if name in value:
                require_kind(value[name], field, f"{place}.{name}" if place else name)
    if isinstance(value, list) and kind.items is not None:
        for number, item in enumerate(value):
            require_kind(item, kind.items, f"{place}[{number}]")


def _quoted(value: Any) -> str:
    """``value`` as the file writes it; of what is long or holds more, what it is."""
    if isinstance(value, dict | list):
        return Message("names and values") if isinstance(value, dict) else Message("a list")
    text = json.dumps(value[:SHOWN] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
