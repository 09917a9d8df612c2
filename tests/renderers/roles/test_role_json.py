"""Roles as JSON: the contract for scripts."""

from __future__ import annotations

import json

from made_roles import made_role, made_roles

from attnviz.renderers.roles.role_json import to_json
from attnviz.trace.asking import ROLES
from attnviz.trace.roles import read_head_role


def test_it_says_of_what_it_is_and_holds_the_roles_in_their_order():
    found = made_roles()
    content = to_json(found)
    said = json.loads(content)
    assert content.endswith(b"}\n")
    roles = said.pop("roles")
    assert said == {"attnviz": 1, "model": "made", "cases": 1000, "seed": 0, "tried": 4, "heads": 4}
    assert [one["role"] for one in roles] == list(ROLES)
    assert tuple(map(read_head_role, roles)) == found.roles


def test_what_cannot_be_measured_is_left_out():
    [said] = json.loads(to_json(made_roles(made_role(verdict=None, accuracy=None, ablated={}))))["roles"]
    assert said.keys().isdisjoint({"verdict", "accuracy", "ablated"})
