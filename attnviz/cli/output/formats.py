"""The formats of each command, the suffixes and names of their files, and which format is meant.

A new format is a member of its command's formats and, where it has files, an entry of SUFFIXES.
"""

import os
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from attnviz.errors import UsageError
from attnviz.files import file_errors

Format = TypeVar("Format", bound=StrEnum)

SUFFIXES = {
    "table": (".txt",),
    "json": (".json", ".jsonl"),
    "csv": (".csv",),
    "markdown": (".md",),
    "png": (".png",),
    "svg": (".svg",),
    "pdf": (".pdf",),
    "safetensors": (".safetensors",),
    "html": (".html", ".htm"),
    "gif": (".gif",),
    "ipynb": (".ipynb",),
    "webp": (".webp",),
    "latex": (".tex",),
    "stats": (".stats",),
}

# The files that are written where none is named; another format has another suffix.
PICTURE_FILE = Path("attention.png")
PAGE_FILE = Path("attention.html")
HEADS_FILE = Path("heads.png")
WRITTEN_FILE = Path("written.gif")
ROLES_FILE = Path("roles.png")
DIAGNOSIS_FILE = Path("diagnosis.png")
DIFF_FILE = Path("diff.png")


class TableFormat(StrEnum):
    """What explain writes."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    LATEX = "latex"
    HTML = "html"
    SAFETENSORS = "safetensors"


class PictureFormat(StrEnum):
    """What heatmap writes: a picture, or the numbers of what is followed through layers."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"
    GIF = "gif"
    WEBP = "webp"
    TERM = "term"
    CSV = "csv"
    JSON = "json"
    SAFETENSORS = "safetensors"


class PageFormat(StrEnum):
    """What html writes."""

    HTML = "html"


class StatsFormat(StrEnum):
    """What stats writes: a table of all metrics, a map of one, or a file that is merged with others."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PNG = "png"
    SVG = "svg"
    PDF = "pdf"
    STATS = "stats"


class WritingFormat(StrEnum):
    """What generate writes."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    SAFETENSORS = "safetensors"
    HTML = "html"
    GIF = "gif"


class RolesFormat(StrEnum):
    """What roles writes: all that is known of each role, or a picture of their heads."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


class DiagnosisFormat(StrEnum):
    """What diagnose writes: the answer, as data, or a picture of meant against computed weights."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"
    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


class DiffFormat(StrEnum):
    """What diff writes: the heads that are furthest apart, as data, or two of them side by side."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    HTML = "html"
    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


class CourseFormat(StrEnum):
    """What learn writes: a chapter as text, or a page or a notebook of all."""

    TERM = "term"
    HTML = "html"
    IPYNB = "ipynb"


PICTURES = (StatsFormat.PNG, StatsFormat.SVG, StatsFormat.PDF)  # of one metric
TABLES = (StatsFormat.TABLE, StatsFormat.JSON, StatsFormat.CSV)
BINARY = (StatsFormat.PNG, StatsFormat.PDF, StatsFormat.STATS)  # what no terminal shows


def chosen_format(output: Path | None, named: Format | None, default: Format) -> Format:
    """The format that --format names, else the suffix of -o, else ``default``."""
    if named is not None or output is None or str(output) == "-":
        return named or default
    if os.path.isdir(output):
        with file_errors(output):
            raise IsADirectoryError
    known = {suffix: form for form in type(default) for suffix in SUFFIXES.get(form.value, ())}
    form = known.get(output.suffix.lower())
    if form is not None:
        return form
    if not output.suffix and os.path.exists(output):  # a device: /dev/stdout
        return default
    raise UsageError(
        "{output}: its suffix is not one of {known}",
        "rename it, or add --format",
        output=output,
        known=", ".join(known),
    )
