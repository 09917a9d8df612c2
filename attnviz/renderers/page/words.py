"""All that a page says in a language: those it opens in as they are, those it can be switched to packed."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

from attnviz.choices import Language
from attnviz.renderers.page.pooled_maps import PooledLayer
from attnviz.renderers.shared.facts import exactness, merged, row_sums
from attnviz.text.lessons import Lessons, lessons
from attnviz.trace.origin import Origin
from attnviz.trace.selection import LayerSelection
from attnviz.trace.trace import Trace

PAGE_GROUPS = ("page", "way", "unfold", "beside", "pattern", "meaning")  # of messages: said by the page's scripts alone
GROUPS = (
    *PAGE_GROUPS,
    "names",
    *("label", "title", "embeddings", "positions", "inputs", "query", "key", "value"),
    *("scores", "scaled", "masked", "weights", "output", "contribution", "concat", "projected", "pair"),
)
OTHERS = tuple(
    f"picture.{step}{along}" for step in ("contribution", "summed") for along in ("", "_toward", "_output")
)  # messages of other groups that scripts say


UNSAID = (  # messages of these groups that only explain says, or no script
    *(
        "label.facts_alone",
        "label.facts_words",
        "label.keys_alone",
        "weights.alone",
        "weights.merged",
        "weights.given",
        "weights.adds",
    ),
    *("label.kv_head", "label.facts", "label.agreement", "label.agreement_exact", "label.rest_one"),
    *(f"title.{name}" for name in ["projections", "top_keys", "top_queries"]),
    *(f"names.{name}" for name in ["heading", "line", "none", "least", "more", "unasked", "short", "largest"]),
    "page.language_name",
)


def words(
    trace: Trace, selected_layers: Sequence[LayerSelection], language: Language, pooled: PooledLayer | None = None
) -> dict[str, Any]:
    """What the record of a page holds that is in a language: the same names in each, which a switch replaces.

    ``pooled`` is a layer of it that is pooled, if any is.
    """
    spoken, source = lessons(language), trace.source
    return {
        "source": _source(source, spoken),
        "region": pooled.region(spoken) if pooled else None,
        "messages": _messages(language) | _of_words(source, spoken),
    } | _roles(trace, selected_layers, language)


def packed_words(
    trace: Trace, selected_layers: Sequence[LayerSelection], language: Language, pooled: PooledLayer | None = None
) -> dict[str, str]:
    """The words of every language but this one, each as base64 of a zlib stream of JSON: a third of what they take."""
    others = [other for other in Language if other is not language]
    return {other.value: _packed(words(trace, selected_layers, other, pooled)) for other in others}


def _source(source: Origin, spoken: Lessons) -> str | None:
    """Which model the numbers are of and how exactly, or that they are made up."""
    if source.drawn:
        return spoken.say("explain.drawn")
    exact = exactness(source.model_name, source.agreement.largest_error, spoken) or source.model_name
    return " · ".join(filter(None, [exact, merged(source, spoken), row_sums(source, spoken)]))


def _of_words(source: Origin, spoken: Lessons) -> dict[str, str]:
    """What is said in another way of tokens that are merged to words."""
    return {"page.alone": spoken.say("weights.merged")} if source.merged else {}


def _packed(said: dict[str, Any]) -> str:
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")


def _messages(language: Language) -> dict[str, str]:
    """The messages of the page, by their names."""
    messages = lessons(language).messages.items()
    return {
        name: message
        for name, message in messages
        if (name.partition(".")[0] in GROUPS and name not in UNSAID) or name in OTHERS
    }


def _roles(trace: Trace, selected_layers: Sequence[LayerSelection], language: Language) -> dict[str, Any]:
    """The roles that heads wear, of each layer by the place of the head, and what they do elsewhere; nothing where there
    are none."""
    if not trace.roles:
        return {}
    from attnviz.renderers.page.worn import worn_roles

    spoken = lessons(language)
    roles = [worn_roles(trace.roles, selected, spoken) for selected in selected_layers]
    return {"roles": roles, "elsewhere": spoken.say("generate.roles")}
