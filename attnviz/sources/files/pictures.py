"""A picture that somebody took: read once, turned as it is meant to be looked at."""

from __future__ import annotations

import io
import os
import warnings
from typing import TYPE_CHECKING

from attnviz.attention.memory import require_memory
from attnviz.errors import AttnvizError
from attnviz.files import read_whole
from attnviz.text.display import shown_line

if TYPE_CHECKING:
    from PIL.Image import Image

PIXEL = 16  # bytes that one of a picture takes until it has the size that a model reads, measured


def read_picture(path: str | os.PathLike[str]) -> Image:
    """The picture in the file at ``path``, a pipe or not, in red, green and blue; AttnvizError where it is none, or too large.

    A camera that was held upright says so beside its pixels (EXIF's orientation): the picture is turned as it says.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    content = read_whole(path)
    try:
        with warnings.catch_warnings():
            # of a large picture, whose memory is asked for, or of a part that is not needed
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as file:
                require_memory(file.width * file.height * PIXEL, str(path), "give a smaller image")
                return ImageOps.exif_transpose(file).convert("RGB")
    except UnidentifiedImageError:  # which would quote the stream
        raise AttnvizError("{path} is not a readable image: its format is not known", path=path) from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = shown_line(" ".join(str(error).split()))[:200]
        raise AttnvizError("{path} is not a readable image: {reason}", path=path, reason=reason) from None
