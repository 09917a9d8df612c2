"""attnviz manual: the reference, one page per topic."""

from __future__ import annotations

from attnviz.cli.options.manual import ManualOptions
from attnviz.cli.output.files import write
from attnviz.cli.output.pager import write_paged
from attnviz.cli.output.terminal import Terminal
from attnviz.text.manual import listed_topics, topic_text


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


def _page(text: str, terminal: Terminal) -> bytes:
    """Markdown as a page for a terminal, in its width and on its own background."""
    from rich.markdown import Markdown
    from rich.theme import Theme

    with terminal.console.use_theme(Theme({"markdown.code": "bold cyan"})):
        return terminal(Markdown(text, code_theme="ansi_dark"))
