"""How a trace is looked at: each look is a public call, which lies above this floor."""

from __future__ import annotations

import os
from typing import Any

from attnviz.trace.public import public


class Looks:
    """The looks of a trace: what the command line does with one is a call of these, with the same names and defaults."""

    def explain(self, **options: Any) -> Any:
        """Every step, as ``attnviz explain`` shows it: ``print`` what comes back; a notebook shows it by itself.

        Options: ``layer``, ``head``, ``step``, ``query``, ``key``, ``skip_special``, ``toward``, ``words``, ``top``, ``precision``,
        ``max_tokens``, ``quiet`` and ``language``. help(attnviz.api.explain) says what each takes.
        """
        return public("attnviz.api.explain", self, **options)

    def heatmap(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Any:
        """The picture, as ``attnviz heatmap`` draws it, as a figure of matplotlib; written to ``path`` if there is one.

        Options: ``layer``, ``head``, ``step``, ``compare``, ``query``, ``key``, ``skip_special``, ``toward``, ``words``, ``pool``, ``title``, ``cmap``,
        ``vmin``, ``vmax``, ``language``, ``annotate``, ``dpi``, ``seconds``, ``width``, ``on_image``, ``interpolation``,
        ``opacity``, ``contour``, ``across``, ``heads_as``, ``residual`` and ``axes``. help(attnviz.api.heatmap) says what each takes.
        """
        return public("attnviz.api.heatmap", self, path, **options)

    def to_html(self, **options: Any) -> str:
        """One offline page, as ``attnviz html`` writes it.

        Options: ``layer``, ``head``, ``query``, ``key``, ``skip_special``, ``words``, ``step``, ``toward``, ``pool``, ``language``,
        ``max_size`` and ``on_image``. help(attnviz.api.html) says what each takes.
        """
        return public("attnviz.api.html", self, **options)  # type: ignore[no-any-return]

    def to_json(self, **options: Any) -> str:
        """The numbers in full, one line of JSON, as ``attnviz explain --format json`` writes them.

        Options: ``layer``, ``head``, ``step``, ``skip_special``, ``words`` and ``toward``. help(attnviz.api.data.to_json) says what
        each takes.
        """
        return public("attnviz.api.data.to_json", self, **options)  # type: ignore[no-any-return]

    def to_csv(self, **options: Any) -> str:
        """The numbers in full, one row a number, as ``attnviz explain --format csv`` writes them.

        Options: ``layer``, ``head``, ``step``, ``query``, ``key``, ``skip_special``, ``words`` and ``toward``.
        help(attnviz.api.data.to_csv) says what each takes.
        """
        return public("attnviz.api.data.to_csv", self, **options)  # type: ignore[no-any-return]

    def stats(self, **options: Any) -> Any:
        """What each head does, in numbers, as ``attnviz stats`` tells it: a table that prints, ``.records``, ``.to_pandas()``.

        Options: ``metrics``, ``sort``, ``layer``, ``head``, ``query``, ``key``, ``skip_special``, ``toward``, ``words``, ``near``, ``pool`` and
        ``language``. help(attnviz.stats) says what each takes.
        """
        return public("attnviz.api.stats.stats", self, **options)

    def by_words(self, layer: Any = ()) -> Any:
        """The trace with words in place of tokens, as ``--words`` merges them: of each layer, or of some, the weights alone.

        To a word that is split into several tokens goes the sum of the weights to them, and from it the mean of theirs (Clark
        et al. 2019, 1906.04341, section 4.1). ``layer`` takes numbers and ranges; nothing means all.
        """
        return public("attnviz.api.words.by_words", self, layer)

    def written(self, **options: Any) -> Any:
        """What a model wrote, step by step, as ``attnviz generate`` shows it: it prints, and is saved as .csv or .gif.

        Options: ``layer``, ``head``, ``tokens`` and ``language``. help(attnviz.api.written.written) says what each takes.
        """
        return public("attnviz.api.written.written", self, **options)

    def _repr_html_(self) -> str:
        """How a notebook shows this trace: its page, in a frame."""
        return public("attnviz.api.notebook_frame", self)  # type: ignore[no-any-return]
