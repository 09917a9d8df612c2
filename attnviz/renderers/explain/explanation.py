"""What Python gets of an explanation: text, a Rich renderable, HTML for a notebook."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderResult

from attnviz.renderers.explain.document import Heading, Part, Section, one_by_one
from attnviz.renderers.explain.markdown import to_markdown
from attnviz.renderers.explain.tables import to_renderable
from attnviz.renderers.shared.plain import plain
from attnviz.text.message import Message

LAYER_LEVEL = 2  # of the heading of a layer


class Explanation:
    """Headings and sections, of so many ``heads`` of all layers together.

    ``print`` shows them as ``attnviz explain`` does in a pipe, a Rich console in colour.
    """

    def __init__(self, parts: Iterable[Part], heads: int) -> None:
        self.parts, self.heads = tuple(parts), heads

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from map(to_renderable, self.parts)

    def __str__(self) -> str:
        return plain(self)

    def __repr__(self) -> str:
        layers = sum(isinstance(part, Heading) and part.level == LAYER_LEVEL for part in self.parts)
        sections = sum(isinstance(part, Section) for part in one_by_one(self.parts))
        sizes = {"layers": layers, "heads": self.heads, "sections": sections}
        said = Message("{layers} layers, {heads} heads, {sections} sections", **sizes)
        return f"Explanation({said}: print() shows it)"

    def to_markdown(self) -> str:
        """The same as Markdown."""
        return to_markdown(self.parts)

    def to_latex(self) -> str:
        """The same for ``\\input`` in a document of LaTeX, which loads booktabs."""
        from attnviz.renderers.explain.latex import to_latex

        return to_latex(self.parts)

    def to_html(self) -> str:
        """The same as an element of HTML, for slides: no script, its style inside."""
        from attnviz.renderers.explain.fragment import to_fragment

        return to_fragment(self.parts)

    def _repr_html_(self) -> str:
        """The same in a notebook, its numbers tinted."""
        return self.to_html()
