"""A picture and how it is drawn: as a figure of matplotlib, or as the bytes of a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from attnviz.choices import SECONDS
from attnviz.progress import Progress, no_progress

if TYPE_CHECKING:
    from attnviz.renderers.heatmap.attention_figure import AttentionFigure
    from attnviz.renderers.heatmap.chain import Chain
    from attnviz.renderers.heatmap.picture import Picture
    from attnviz.renderers.on_image.decided import OnImage


class Heatmap:
    """A picture, and how it is drawn; ``missing`` are the characters of the last drawing that no font here has.

    ``seconds`` is how long each frame of a moving picture is shown.
    """

    def __init__(
        self,
        picture: Picture | Chain | OnImage,
        cmap: str | None = None,
        annotate: bool | None = None,
        dpi: int | None = None,
        seconds: float | None = None,
    ) -> None:
        self.picture, self.cmap, self.annotate, self.seconds = picture, cmap, annotate, seconds or SECONDS
        self.dpi = picture.dpi if dpi is None else dpi
        self.missing = ""

    def figure(self, path: str | os.PathLike[str] | None = None) -> AttentionFigure:
        """The figure of matplotlib that shows the picture; saved to ``path``, if there is one."""
        if path is not None:
            from attnviz.renderers.heatmap.attention_figure import format_of

            format_of(path)  # before it is drawn
        figure, self.missing = self._drawn()
        figure.drawing = self
        if path is not None:
            figure.save(path)
        return figure

    def drawn(self, form: str = "png", report: Progress = no_progress) -> bytes:
        """The bytes of the picture as "png", "svg" or "pdf", or moving as "gif" or "webp"."""
        from attnviz.renderers.heatmap.attention_figure import MOVING, save

        if form in MOVING:
            return self._moving(form, report)
        return save(self.figure(), form, self.resolution)

    @property
    def resolution(self) -> int | None:
        """Pixels per inch of a picture that does not move; None: the usual ones."""
        from attnviz.renderers.heatmap.chain import Chain

        if self.dpi or not isinstance(self.picture, Chain):
            return self.dpi
        from attnviz.renderers.heatmap.chain_layout import DPI

        return DPI

    def _drawn(self) -> tuple[AttentionFigure, str]:
        from attnviz.renderers.heatmap.chain import Chain
        from attnviz.renderers.on_image.decided import OnImage

        if isinstance(self.picture, OnImage):
            from attnviz.renderers.on_image.figure import draw as draw_on_image

            return draw_on_image(self.picture, cmap=self.cmap)
        if isinstance(self.picture, Chain):
            from attnviz.renderers.heatmap.chain_figure import draw_chain

            return draw_chain(self.picture, cmap=self.cmap, annotate=self.annotate)
        from attnviz.renderers.heatmap.figure import draw

        return draw(self.picture, cmap=self.cmap, annotate=self.annotate)

    def _moving(self, form: str, report: Progress) -> bytes:
        from attnviz.renderers.on_image.decided import OnImage

        if isinstance(self.picture, OnImage):
            from attnviz.renderers.on_image.drawn import moving

            content, self.missing = moving(self.picture, form, self.cmap, self.dpi, self.seconds, report)
            return content
        from attnviz.renderers.heatmap.animation import animated

        looks: dict[str, Any] = {"cmap": self.cmap, "annotate": self.annotate, "dpi": self.dpi}
        content, self.missing = animated(self.picture, form, self.seconds, report, **looks)
        return content

    def __repr__(self) -> str:
        title = self.picture.title  # which holds no line break: shared/labels.py
        return f"Heatmap(“{title}”, {len(self.picture.panels)} panels)"
