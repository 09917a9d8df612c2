"""The public call that opens the manual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.arguments import member
from attnviz.text.manual import Topic

if TYPE_CHECKING:
    from attnviz.text.manual import Page


def manual(topic: str | None = None) -> Page:
    """A page of the manual, as ``attnviz manual`` shows it: Markdown, which a notebook shows as a page.

    topic  one of those that the list names; None: the list

    AttnvizError where there is no such topic.
    """
    from attnviz.text.manual import listed_topics, topic_text

    return listed_topics() if topic is None else topic_text(member(Topic, topic, "topic"))
