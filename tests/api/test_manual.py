"""attnviz.manual: the pages of the command."""

from __future__ import annotations

import pytest

import attnviz
from attnviz import AttnvizError
from attnviz.text.manual import listed_topics


def test_it_opens_a_page_or_the_list():
    assert attnviz.manual() == listed_topics()
    assert attnviz.manual("toy").startswith("# Toy attention")


@pytest.mark.parametrize("topic", ["nonsense", 3])
def test_a_topic_that_is_not_there_is_told_with_those_there_are(topic):
    with pytest.raises(AttnvizError, match=f"topic is {topic!r}: expected one of text, toy, "):
        attnviz.manual(topic)
