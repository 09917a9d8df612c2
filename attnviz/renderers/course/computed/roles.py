"""Chapter 8: where the tiny model's heads look, and what breaks without them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy

from attnviz.renderers.course.material import Material
from attnviz.renderers.course.pieces import Piece, Tell, table
from attnviz.renderers.roles.told import percent
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.numbers import share
from attnviz.trace.roles import HeadRole, Roles

ASKED = "syntax"  # the role that the question is about


def found(material: Material, tell: Tell) -> list[Piece]:
    """Of each role the head, a sentence, and where the head looks at its last word."""
    roles = material.roles().roles
    cells = []
    for one in roles:
        example = one.example
        assert example is not None
        most = int(numpy.argmax(example.weights))
        cells.append(
            (
                " ".join(map(name, example.tokens)),
                material.lessons.say("roles.head", layer=one.layer, head=one.head),
                name(example.tokens[most]),
                share(example.weights[most]),
            )
        )
    columns = (tell("sentence"), tell("head"), tell("sees"), tell("weight"))
    return [table(tell("role"), _names(material, roles), columns, cells)]


def offset(material: Material, tell: Tell) -> list[Piece]:
    """How many questions were asked, how often the best fixed distance would be right, and how often the head is."""
    found = material.roles()
    one = _asked(found)
    distance, at_distance = one.offset
    asked = tell("asked", cases=found.cases, seed=found.seed)
    return [asked, tell("fixed", distance=distance, share=percent(at_distance), hits=percent(one.hits))]


def question(material: Material, tell: Tell) -> list[Piece]:
    accuracy = _asked(material.roles()).accuracy
    assert accuracy is not None
    return [tell("ask", share=percent(accuracy))]


def without(material: Material, tell: Tell) -> list[Piece]:
    """The right answers to each role's questions, of the whole model and without each head."""
    roles = material.roles().roles
    names = _names(material, roles)
    rows = [tell("whole"), *(tell("without", role=role) for role in names)]
    return [table(tell("model"), rows, names, _right(roles))]


def _right(roles: tuple[HeadRole, ...]) -> Iterator[list[str]]:
    yield [percent(one.accuracy) for one in roles if one.accuracy is not None]
    for one in roles:
        yield [percent(one.ablated[other.role]) for other in roles]


def _names(material: Material, roles: tuple[HeadRole, ...]) -> list[str]:
    say = material.lessons.say
    return [say(f"roles.{one.role}_name") for one in roles]


def _asked(found: Roles) -> HeadRole:
    return next(one for one in found.roles if one.role == ASKED)
