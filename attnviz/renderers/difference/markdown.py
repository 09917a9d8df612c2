"""The difference of two traces as Markdown, for an issue, a pull request or notes."""

from __future__ import annotations

from attnviz.analysis.difference.result import Difference
from attnviz.renderers.difference.told import told
from attnviz.renderers.explain.markdown import escaped, table
from attnviz.text.lessons import lessons


def to_markdown(found: Difference) -> str:
    """The same as the table tells, in the language of ``found``."""
    said = told(found, lessons(found.language))
    sources = "\n".join(f"- {escaped(side)}: {escaped(source)}" for side, source in said.sources)
    tokens = "\n".join(f"- {escaped(line)}" for line in said.tokens)
    blocks = [f"## {escaped(said.headline)}", f"{sources}\n{tokens}", table(said.matrix), *map(escaped, said.notes)]
    return "\n\n".join(blocks) + "\n"
