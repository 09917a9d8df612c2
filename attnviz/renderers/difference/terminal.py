"""The two heads that are furthest apart as maps in a terminal: both on one scale, and below them their difference."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from attnviz.analysis.difference.result import Difference
from attnviz.renderers.difference.picture import decide
from attnviz.renderers.heatmap.picture import Picture, View
from attnviz.renderers.heatmap.terminal import TerminalMap
from attnviz.text.lessons import Lessons, lessons


def to_maps(found: Difference, height: int | None = None, words: Lessons | None = None) -> Group:
    """The maps of the figure, as wide as the console; ``height`` is the lines of a terminal, None: any number."""
    words = words or lessons(found.language)
    both, apart = pictures(found, words)
    return Group(TerminalMap(both, None, height, words), Text(""), TerminalMap(apart, None, height, words))


def pictures(found: Difference, words: Lessons) -> tuple[Picture, Picture]:
    """Left and right as the panels of one picture, and the difference as another."""
    chain = decide(found, view=View(words=words))
    left, right, apart = chain.maps
    panels = tuple(
        one.panels[0]._replace(title=one.title, short_title=words.say(f"diff.{side}"))
        for side, one in (("left", left), ("right", right))
    )
    hidden = left.hidden or right.hidden
    return left._replace(title=chain.title, subtitle=chain.subtitle, panels=panels, hidden=hidden), apart
