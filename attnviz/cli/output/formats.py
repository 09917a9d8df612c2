"""The formats of each command, and which of them is meant."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.errors import UsageError

if TYPE_CHECKING:
    from enum import StrEnum


def chosen_format(output: Path | None, named: StrEnum | None, default: StrEnum) -> Any:
    """The format that --format names, else the suffix of -o, else ``default``."""
    if named is not None or output is None or str(output) == "-":
        return named or default
    formats = type(default)
    known = {
        suffix: word.value for suffix, word in SUFFIXES.items() if word.value in {member.value for member in formats}
    }
    word = known.get(output.suffix.lower())
    if word is None:
        if not output.suffix and not os.path.isdir(output) and os.path.exists(output):  # a device: /dev/stdout
            return default
        raise UsageError(f"{output}: its suffix is not one of {', '.join(known)}", "rename it, or add --format")
    return formats(word)


class TableFormat(StrEnum):
    """What explain writes."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    SAFETENSORS = "safetensors"


class PictureFormat(StrEnum):
    """What heatmap writes."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"
    TERM = "term"
    SAFETENSORS = "safetensors"


class StatsFormat(StrEnum):
    """What stats writes: a table of all metrics, or a map of one."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


SUFFIXES: dict[str, TableFormat | PictureFormat] = {
    ".txt": TableFormat.TABLE,
    ".json": TableFormat.JSON,
    ".jsonl": TableFormat.JSON,
    ".csv": TableFormat.CSV,
    ".md": TableFormat.MARKDOWN,
    ".png": PictureFormat.PNG,
    ".svg": PictureFormat.SVG,
    ".pdf": PictureFormat.PDF,
    ".safetensors": PictureFormat.SAFETENSORS,
}
