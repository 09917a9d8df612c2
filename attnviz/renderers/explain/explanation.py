"""What Python gets of an explanation: text, a Rich renderable, Markdown for a notebook."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult

from attnviz.renderers.explain.document import Heading, Section
from attnviz.renderers.explain.markdown import to_markdown
from attnviz.renderers.explain.tables import to_renderable
from attnviz.text.display import NATURAL_WIDTH


class Explanation:
    """Headings and sections; ``print`` shows them as ``attnviz explain`` does in a pipe, a Rich console in colour."""

    def __init__(self, parts: Sequence[Heading | Section]) -> None:
        self.parts = tuple(parts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from map(to_renderable, self.parts)

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=NATURAL_WIDTH, highlight=False, emoji=False, markup=False, color_system=None).print(
            self, end=""
        )
        return text.getvalue()

    def _repr_markdown_(self) -> str:
        return to_markdown(self.parts)
