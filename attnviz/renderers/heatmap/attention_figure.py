"""A figure of matplotlib that shows itself in a notebook, and is saved as the command would write it."""

from __future__ import annotations

import io
import os
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from attnviz.choices import DPI, LARGE_DPI
from attnviz.errors import AttnvizError
from attnviz.files import write_whole
from attnviz.renderers.heatmap.settings import missing_glyphs_unspoken, own_settings

LARGE = 13.0  # inches
MOVING = ("gif", "webp")
STILL = ("png", "svg", "pdf")
FORMATS = (*STILL, *MOVING)


class Drawing(Protocol):
    """What a figure was drawn from (heatmap.Heatmap).

    missing     the characters that no font on this machine has
    resolution  pixels per inch of a picture that does not move; None: the usual ones
    """

    missing: str

    @property
    def resolution(self) -> int | None: ...

    def drawn(self, form: str) -> bytes:
        """The bytes of a picture, moving or not."""


class AttentionFigure(Figure):
    """A figure, of which ``drawing`` says what it shows and how it is drawn again.

    It is matplotlib's own: add to it, put it into a canvas, or call ``savefig``. ``save`` writes the very bytes that the
    command line does.
    """

    drawing: Drawing | None = None

    def __init__(self, size: tuple[float, float]) -> None:
        super().__init__(figsize=size, facecolor="white")
        FigureCanvasAgg(self)

    @property
    def missing(self) -> str:
        """The characters that no font on this machine has."""
        return self.drawing.missing if self.drawing is not None else ""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to ``path``, whole or not at all; its suffix picks the format: .png, .svg, .pdf, .gif, .webp."""
        form = format_of(path, FORMATS if self.drawing is not None else STILL)
        if self.drawing is not None and form in MOVING:
            write_whole(path, [self.drawing.drawn(form)])
            return
        write_whole(path, [save(self, form, self._resolution)])

    @property
    def _resolution(self) -> int | None:
        return None if self.drawing is None else self.drawing.resolution

    def _repr_png_(self) -> bytes:
        return save(self, "png", self._resolution)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows. It asks for this first: pyplot, once imported, has it show nothing of a figure without Axes."""
        return {"image/png": b64encode(self._repr_png_()).decode(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return super().__repr__() if self.drawing is None else repr(self.drawing)

    __str__ = __repr__


def format_of(path: str | os.PathLike[str], formats: Sequence[str] = FORMATS) -> str:
    """The one of ``formats`` that the suffix of ``path`` names."""
    form = Path(path).suffix.lower().removeprefix(".")
    if form not in formats:
        raise AttnvizError(
            "{path}: its suffix is not one of {words}", path=path, words=", ".join(f".{word}" for word in formats)
        )
    return form


def save(figure: Figure, form: str, dpi: int | None = None) -> bytes:
    """The bytes of ``figure`` as "png", "svg" or "pdf": the same for the same input, whenever they are made.

    ``dpi`` is of a PNG; None: fewer where the figure is so large that the usual ones would only make a heavy file.
    """
    dpi = dpi or (DPI if figure.get_figwidth() <= LARGE else LARGE_DPI)
    metadata: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    # Text stays text (selectable, searchable); ids come from the content, not from chance.
    settings = {"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "attnviz"}
    options: dict[str, Any] = {"pil_kwargs": {"compress_level": 1}} if form == "png" else {}
    content = io.BytesIO()
    with own_settings(**settings), missing_glyphs_unspoken():
        figure.savefig(content, format=form, dpi=dpi, metadata=metadata[form], **options)
    return content.getvalue()
