"""The pages of the manual as Python has them."""

from __future__ import annotations

from attnviz.text.manual import FOLDER, Page, Topic, listed_topics, topic_text


def test_a_page_prints_as_markdown_and_is_shown_as_a_page():
    page = topic_text(Topic.TOY)
    assert isinstance(page, Page)
    assert str(page) == page._repr_markdown_() == (FOLDER / "toy.md").read_text(encoding="utf-8")
    assert repr(page) == "Page(Toy attention: small numbers to check by hand; print() shows it)"


def test_the_list_names_each_topic():
    listed = listed_topics()
    assert [line.split("`")[1] for line in listed.splitlines() if line.startswith("- ")] == list(Topic)
    assert repr(listed) == "Page(The manual of attnviz; print() shows it)"
