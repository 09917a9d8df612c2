"""attnviz manual: the reference, one page per topic."""

from __future__ import annotations

import os
from pathlib import Path

from attnviz.cli.options.manual import ManualOptions, Topic
from attnviz.cli.output.files import write
from attnviz.cli.output.terminal import Terminal

FOLDER = Path(__file__).parents[2] / "manual"
LESS = (
    "FRX"  # leave at once where all fits the screen, keep colours, do not clear the screen at the end (as git has it)
)


UNLESS_MISSING = "({pager}\n)\ncase $? in 126 | 127) cat ;; esac"  # a shell's codes for a program that it cannot run


def manual(page: ManualOptions) -> None:
    """Show the manual: every option, format and limit, one page for each topic.

    Example: attnviz manual toy
    """
    text = listed_topics() if page.topic is None else topic_text(page.topic)
    terminal = Terminal(None)
    if terminal.height is None:
        write([text.encode()], None)
    else:
        _page_through(text, terminal)


def topic_text(topic: Topic) -> str:
    """The Markdown of one topic."""
    return (FOLDER / f"{topic.value}.md").read_text(encoding="utf-8")


def listed_topics() -> str:
    """The topics as Markdown, each with the title of its page."""
    titles = {topic.value: topic_text(topic).partition("\n")[0].removeprefix("# ") for topic in Topic}
    lines = [f"- `{topic}`: {title}" for topic, title in titles.items()]
    return "\n".join(
        ["# The manual of attnviz", "", "`attnviz manual TOPIC` shows one of these pages:", "", *lines, ""]
    )


def _page_through(text: str, terminal: Terminal) -> None:
    """Show Markdown in a terminal, in its pager ($PAGER, or less); where that does not exist, print it."""
    import pydoc

    from rich.markdown import Markdown
    from rich.theme import Theme

    with terminal.console.use_theme(Theme({"markdown.code": "bold cyan"})):  # on the terminal's own background
        page = terminal(Markdown(text, code_theme="ansi_dark"))
    os.environ.setdefault("LESS", LESS)
    for name in ("MANPAGER", "PAGER"):
        if pager := os.environ.get(name):
            os.environ[name] = UNLESS_MISSING.format(pager=pager)
    pydoc.pager(page.decode(terminal.encoding))
