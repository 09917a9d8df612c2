"""attnviz manual: the reference, one page per topic."""

from __future__ import annotations

from pathlib import Path

from attnviz.cli.options.manual import ManualOptions, Topic
from attnviz.cli.output.files import write
from attnviz.cli.output.pager import write_paged
from attnviz.cli.output.terminal import Terminal

FOLDER = Path(__file__).parents[2] / "manual"


def manual(page: ManualOptions) -> None:
    """Show the manual: every option, format and limit, one page for each topic.

    Example: attnviz manual toy
    """
    text = listed_topics() if page.topic is None else topic_text(page.topic)
    terminal = Terminal(None)
    if terminal.height is None:
        write([text.encode()], None)
    else:
        write_paged([_page(text, terminal)], terminal, [] if page.no_pager else ("MANPAGER", "PAGER"))


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


def _page(text: str, terminal: Terminal) -> bytes:
    """Markdown as a page for a terminal, in its width and on its own background."""
    from rich.markdown import Markdown
    from rich.theme import Theme

    with terminal.console.use_theme(Theme({"markdown.code": "bold cyan"})):
        return terminal(Markdown(text, code_theme="ansi_dark"))
