"""The manual: its topics, and the Markdown of each."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "manual"


class Topic(StrEnum):
    """The topics of the manual in the order in which a person meets them, one file in attnviz/manual/ each."""

    TEXT = "text"
    TOY = "toy"
    ARRAYS = "arrays"
    TINY = "tiny"
    MODELS = "models"
    RECORD = "record"
    RULE = "rule"
    SELECTION = "selection"
    TABLES = "tables"
    PICTURES = "pictures"
    LONG = "long"
    PAGE = "page"
    STATS = "stats"
    CORPORA = "corpora"
    WORKERS = "workers"
    CONTRIBUTION = "contribution"
    EFFECTS = "effects"
    DIFF = "diff"
    ACROSS = "across"
    ROLES = "roles"
    GENERATE = "generate"
    DIAGNOSE = "diagnose"
    LEARN = "learn"
    JSON = "json"
    CSV = "csv"
    PYTHON = "python"
    LIMITS = "limits"
    SECURITY = "security"
    EXIT_CODES = "exit-codes"


class Page(str):
    """A page of the manual as Markdown. It prints as that, and a notebook shows it as a page."""

    def _repr_markdown_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        title = self.partition("\n")[0].removeprefix("# ")
        return f"Page({title}; print() shows it)"


def topic_text(topic: Topic) -> Page:
    """The Markdown of one topic."""
    return Page((FOLDER / f"{topic.value}.md").read_text(encoding="utf-8"))


def listed_topics() -> Page:
    """The topics as Markdown, each with the title of its page."""
    titles = {topic.value: topic_text(topic).partition("\n")[0].removeprefix("# ") for topic in Topic}
    lines = [f"- `{topic}`: {title}" for topic, title in titles.items()]
    return Page(
        "\n".join(["# The manual of attnviz", "", "`attnviz manual TOPIC` shows one of these pages:", "", *lines, ""])
    )
