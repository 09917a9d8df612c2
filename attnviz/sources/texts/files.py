"""Which files are meant: names, and patterns that stand for several."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from attnviz.errors import AttnvizError
from attnviz.sources.texts.compressed import inner_name
from attnviz.text.display import shown_line

ROWS = (".jsonl", ".ndjson", ".parquet")  # files in which each row is a text


def files_of(names: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The files of ``names``, in their order; those of a pattern (data/*.txt, data/**/*.jsonl) sorted by their names.

    A file that has such characters in its own name is itself. AttnvizError where a pattern matches no file, and where a file is
    meant twice, by whatever names.
    """
    found: dict[str, Path] = {}
    for path in (path for name in names for path in _matching(os.fspath(name))):
        if found.setdefault(os.path.realpath(path), path) is not path:
            raise AttnvizError(
                "{path} is named twice: each text would count twice", "name each file once", path=shown_line(str(path))
            )
    return [*found.values()]


def is_pattern(name: str | os.PathLike[str]) -> bool:
    """Whether ``name`` is no file's own, but stands for several."""
    return glob.has_magic(os.fspath(name)) and not os.path.exists(name)


def holds_rows(name: str | os.PathLike[str]) -> bool:
    """Whether the file (or each that a pattern matches) means a text a row, as its suffix says."""
    return inner_name(Path(name)).suffix.lower() in ROWS


def is_parquet(path: Path) -> bool:
    """Whether its rows are those of a Parquet file."""
    return inner_name(path).suffix.lower() == ".parquet"


def _matching(name: str) -> list[Path]:
    if not is_pattern(name):
        return [Path(name)]
    found = sorted(path for path in glob.glob(name, recursive=True) if not os.path.isdir(path))
    if not found:
        raise AttnvizError("no file matches {name}", "look at the folder with ls", name=name)
    return [Path(path) for path in found]
