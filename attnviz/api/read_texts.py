"""The public call that reads the texts of files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from attnviz.arguments import path_of, text_of
from attnviz.sources.texts.corpus import CorpusText, Unread
from attnviz.sources.texts.corpus import read_texts as read


def read_texts(
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], *, lines: bool = True, field: str | None = None
) -> Iterator[CorpusText | Unread]:
    """The texts of a corpus, one after the other as they are read: ``attnviz.stats(attnviz.read_texts("data/*.jsonl.gz"), …)``.

    files  a name, or several; a pattern (*, ?, **) stands for the files that it matches, sorted by their names
    lines  each line of a plain file is a text; False: the whole file is one. In .jsonl, .ndjson and .parquet each row is
    field  which field of such a row is the text; None: "text". Where one is named, other files hold rows of JSON, too

    Files that end in .gz, .bz2, .xz or .zst are decompressed as they are read. Each text has its ``number``, its ``name``
    ("corpus.jsonl:12") and its ``text``. What holds none (a broken row, one of over 10 MB, a blank one) comes as an object
    with an ``error`` in its place, which ``stats`` counts and leaves out. AttnvizError where there is no such file.
    """
    several = files if isinstance(files, Iterable) and not isinstance(files, str) else [files]
    named = [path_of("files", one) for one in several]
    return read(named, lines=lines, field=None if field is None else text_of("field", field))
