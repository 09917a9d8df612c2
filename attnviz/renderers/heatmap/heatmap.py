"""What Python gets of a heat map: a picture that is saved, and shows itself in a notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.choices import SECONDS
from attnviz.errors import AttnvizError
from attnviz.files import write_whole
from attnviz.progress import Progress, no_progress

if TYPE_CHECKING:
    from attnviz.renderers.heatmap.chain import Chain
    from attnviz.renderers.heatmap.picture import Picture
    from attnviz.renderers.on_image.decided import OnImage

MOVING = ("gif", "webp")
FORMATS = ("png", "svg", "pdf", *MOVING)


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

    def drawn(self, form: str = "png", report: Progress = no_progress) -> bytes:
        """The bytes of the picture as "png", "svg" or "pdf", or moving as "gif" or "webp"."""
        from attnviz.renderers.on_image.decided import OnImage

        if isinstance(self.picture, OnImage):
            from attnviz.renderers.on_image.drawn import drawn

            content, self.missing = drawn(self.picture, form, self.cmap, self.dpi, self.seconds, report)
            return content
        looks: dict[str, Any] = {"cmap": self.cmap, "annotate": self.annotate}
        if form in MOVING:
            from attnviz.renderers.heatmap.animation import animated

            content, self.missing = animated(self.picture, form, self.seconds, report, dpi=self.dpi, **looks)
            return content
        from attnviz.renderers.heatmap.chain import Chain
        from attnviz.renderers.heatmap.figure import draw, save

        if isinstance(self.picture, Chain):
            from attnviz.renderers.heatmap.chain_figure import draw_chain
            from attnviz.renderers.heatmap.chain_layout import DPI

            figure, self.missing = draw_chain(self.picture, **looks)
            return save(figure, form, self.dpi or DPI)
        figure, self.missing = draw(self.picture, **looks)
        return save(figure, form, self.dpi)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to ``path``, whole or not at all; its suffix picks the format."""
        form = Path(path).suffix.lower().removeprefix(".")
        if form not in FORMATS:
            raise AttnvizError(
                "{path}: its suffix is not one of {words}", path=path, words=", ".join(f".{word}" for word in FORMATS)
            )
        write_whole(path, [self.drawn(form)])

    def __repr__(self) -> str:
        title = self.picture.title  # which holds no line break: shared/labels.py
        return f"Heatmap(“{title}”, {len(self.picture.panels)} panels)"

    def _repr_png_(self) -> bytes:
        return self.drawn()
