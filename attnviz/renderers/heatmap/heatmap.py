"""What Python gets of a heat map: a picture that is saved, and shows itself in a notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.errors import AttnvizError
from attnviz.files import write_whole

if TYPE_CHECKING:
    from attnviz.renderers.heatmap.picture import Picture

FORMATS = ("png", "svg", "pdf")


class Heatmap:
    """A picture, and how it is drawn; ``missing`` are the characters of the last drawing that no font here has."""

    def __init__(
        self, picture: Picture, cmap: str | None = None, annotate: bool | None = None, dpi: int | None = None
    ) -> None:
        self.picture, self.cmap, self.annotate = picture, cmap, annotate
        self.dpi = picture.dpi if dpi is None else dpi
        self.missing = ""

    def drawn(self, form: str = "png") -> bytes:
        """The bytes of the picture as "png", "svg" or "pdf"."""
        from attnviz.renderers.heatmap.figure import draw, save

        figure, self.missing = draw(self.picture, cmap=self.cmap, annotate=self.annotate)
        return save(figure, form, self.dpi)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to ``path``, whole or not at all; its suffix picks the format."""
        form = Path(path).suffix.lower().removeprefix(".")
        if form not in FORMATS:
            raise AttnvizError(f"{path}: its suffix is not one of {', '.join(f'.{word}' for word in FORMATS)}")
        write_whole(path, [self.drawn(form)])

    def __repr__(self) -> str:
        title = self.picture.title  # which holds no line break: shared/labels.py
        return f"Heatmap(“{title}”, {len(self.picture.panels)} panels)"

    def _repr_png_(self) -> bytes:
        return self.drawn()
