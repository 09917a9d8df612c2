"""The roles that the heads of a page wear, and the evidence behind each."""

from __future__ import annotations

from collections.abc import Iterable

from attnviz.renderers.roles.told import evidence, percent, worn_name
from attnviz.text.lessons import Lessons
from attnviz.trace.roles import HeadRole
from attnviz.trace.selection import LayerSelection


def worn_roles(roles: Iterable[HeadRole], selected: LayerSelection, words: Lessons) -> dict[int, dict[str, str]]:
    """Of the selected heads of a layer that wear a role, by their places: its name, where the head looks at the role's own
    questions, and its evidence in a line.

    A head may wear several.
    """
    worn: dict[int, dict[str, str]] = {}
    layer, heads = selected.layer, list(selected.heads)
    for one in roles:
        title = worn_name(one, words)
        if title and not layer.stack and one.layer == layer.index and one.head in heads:
            told = worn.setdefault(heads.index(one.head), {"name": "", "looks": "", "evidence": ""})
            told["name"] = f"{told['name']} · {title}".removeprefix(" · ")
            told["looks"] = f"{told['looks']} · {_looks(one, words)}".removeprefix(" · ")
            told["evidence"] = f"{told['evidence']} {words.say(f'roles.{one.role}')}. {evidence(one, words)}".strip()
    return worn


def _looks(found: HeadRole, words: Lessons) -> str:
    return words.say("roles.worn_looks", word=words.say(f"roles.{found.role}_word"), hits=percent(found.hits))
