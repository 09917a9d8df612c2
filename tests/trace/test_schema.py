"""The record of a saved trace: what is wrong in it is named by its place, and what is of a later version is left alone."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_roles import made_role
from strategies import json_values

from attnviz.errors import AttnvizError
from attnviz.trace.roles import head_role_record
from attnviz.trace.schema import RECORD, Kind, require_record

LAYER = {
    "index": 0,
    "name": "layer 0",
    "kind": "self",
    "tokens": None,
    "key_tokens": ["a", "b"],
    "rotary": False,
    "slopes": [0.5, 1],
    "rule": {"scale": 1.0, "causal": True, "query_offset": None, "window": 2, "softcap": 3},
}
GOOD = {
    "tokens": ["a", "b"],
    "source": {"kind": "toy", "unread": 7},
    "layers": [LAYER, copy.deepcopy(LAYER)],
    "predictions": [[["b", 0.5]], []],
    "generation": {"chosen": ["b"], "probabilities": [0.5], "prompt": None, "text": "b"},
}
GOOD["roles"] = [json.loads(json.dumps(head_role_record(made_role())))]


def changed(place: tuple[str | int, ...], value: Any) -> Any:
    record = copy.deepcopy(GOOD)
    owner: Any = record
    for step in place[:-1]:
        owner = owner[step]
    owner[place[-1]] = value
    return record


@pytest.mark.parametrize("place", [(), ("source",), ("layers", 1), ("layers", 0, "rule")])
def test_a_field_of_a_later_version_is_left_alone(place):
    require_record(changed((*place, "later"), {"any": [None]}))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("tokens",), "abc", 'tokens is "abc", expected a list of texts'),
        (("tokens", 1), 7, "tokens[1] is 7, expected a text"),
        (("roles",), {}, "roles is names and values, expected a list of roles"),
        (("roles", 0, "role"), [], "roles[0].role is a list, expected one of position, syntax, meaning, copying"),
        (("roles", 0, "hits"), 1.1, "roles[0].hits is 1.1, expected a share from 0 to 1"),
        (("roles", 0, "hits_interval"), [0.5], "roles[0].hits_interval is a list, expected the two ends of an interval"),
        (("roles", 0, "ablated", "syntax"), None, "roles[0].ablated.syntax is null, expected a share from 0 to 1"),
        (("roles", 0, "helpers", 0), {}, "roles[0].helpers[0] lacks layer"),
        (
            ("roles", 0, "verdict"),
            "sure",
            'roles[0].verdict is "sure", expected one of proved, not needed, looks elsewhere, partly, none',
        ),
        (("source",), [], "source is a list, expected names and values"),
        (("layers",), {}, "layers is names and values, expected a list of layers"),
        (("layers", 1), None, "layers[1] is null, expected names and values"),
        (("layers", 0, "index"), True, "layers[0].index is true, expected a whole number"),
        (("layers", 0, "index"), 1.0, "layers[0].index is 1.0, expected a whole number"),
        (("layers", 1, "name"), None, "layers[1].name is null, expected a text"),
        (("layers", 0, "tokens"), "ab", 'layers[0].tokens is "ab", expected a list of texts or null'),
        (("layers", 0, "rotary"), 1, "layers[0].rotary is 1, expected true or false"),
        (("layers", 0, "slopes", 1), "x" * 99, f'layers[0].slopes[1] is "{"x" * 38}…, expected a finite number'),
        (("layers", 0, "slopes", 0), 10**400, f"layers[0].slopes[0] is 1{'0' * 38}…, expected a finite number"),
        (("layers", 0, "rule", "scale"), float("nan"), "layers[0].rule.scale is NaN, expected a finite number or null"),
        (("predictions", 1), None, "predictions[1] is null, expected a list of predictions"),
        (("predictions", 0, 0), ["b"], "predictions[0][0] is a list, expected a token and its probability"),
        (("generation",), [], "generation is a list, expected names and values"),
        (("generation", "chosen", 0), 1, "generation.chosen[0] is 1, expected a text"),
        (("generation", "probabilities", 0), "x", 'generation.probabilities[0] is "x", expected a finite number'),
        (("generation", "text"), 7, "generation.text is 7, expected a text or null"),
        (("layers", 0, "rule", "window"), True, "layers[0].rule.window is true, expected a whole number or null"),
        (("layers", 0, "rule", "causal"), None, "layers[0].rule.causal is null, expected true or false"),
        (("layers", 0, "name"), "\x1b\n\x85", None),
        (("layers", 0, "tokens"), "\x1b\n\x85", r'layers[0].tokens is "\u001b\n\u0085", expected a list of texts or null'),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_of_another_kind_is_named_by_its_place(place, value, message):
    record = changed(place, value)
    if message is None:
        require_record(record)
        return
    with pytest.raises(AttnvizError) as error:
        require_record(record)
    assert error.value.message == message


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "it is a list, expected names and values"),
        ({"tokens": [], "layers": []}, "it lacks source"),
        ({name: value for name, value in GOOD.items() if name != "layers"}, "it lacks layers"),
        (changed(("layers", 1), {"index": 0}), "layers[1] lacks rule"),
    ],
    ids=range(4),
)
def test_what_is_missing_is_named(record, message):
    with pytest.raises(AttnvizError) as error:
        require_record(record)
    assert error.value.message == message


def places(kind: Kind, value: Any, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in ``value`` of which the schema says something."""
    inner = [(name, one) for name, one in kind.fields.items() if isinstance(value, dict) and name in value]
    if kind.items is not None and isinstance(value, list) and value:
        inner = [(0, kind.items)]
    return [place, *(found for name, one in inner for found in places(one, value[name], (*place, name)))]


@settings(max_examples=60)
@given(place=st.sampled_from(places(RECORD, GOOD)[1:]), value=json_values())
def test_any_value_fits_or_is_one_line_that_names_its_place(place, value):
    named = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")
    message = said_of(changed(place, value))
    assert message is None or (message.startswith(named) and message.isprintable())


def said_of(record: Any) -> str | None:
    try:
        require_record(record)
    except AttnvizError as error:
        return error.message
    return None
