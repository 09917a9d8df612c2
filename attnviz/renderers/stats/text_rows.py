"""What was measured of each text of a corpus, as a file that grows text by text: Parquet, CSV or a JSON object a line."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import orjson

from attnviz.analysis.corpus.by_text import Row
from attnviz.errors import AttnvizError, UsageError
from attnviz.files import written_whole
from attnviz.renderers.data.csv_format import no_formula
from attnviz.text.display import shown_line

COLUMNS = ("text", "tokens", "layer", "name", "head")  # and the metrics behind them
GROUP = 1 << 16  # rows that a Parquet file holds together: as many are kept until they are written

Write = Callable[[Iterable[Row]], None]


class _Writer(Protocol):
    """Writes rows to a stream that it was given."""

    def add(self, rows: Iterable[Row]) -> None:
        """The rows of one more text."""

    def close(self) -> None:
        """There are no more."""

    def give_up(self) -> None:
        """The file will not be."""


@contextmanager
def text_rows(path: str | os.PathLike[str], metrics: Sequence[str]) -> Iterator[Write]:
    """What writes the rows of a text to ``path``, whose suffix picks the format: the file is there when the block ends well, whole.

    AttnvizError where the suffix is none of these, or where Parquet needs what is not installed.
    """
    kind = _kind(path)
    with written_whole(path) as stream:
        writer = kind(stream, metrics)
        try:
            yield writer.add
            writer.close()
        except BaseException:
            writer.give_up()
            raise


def require_by_text(path: str | os.PathLike[str]) -> None:
    """Raise the AttnvizError of ``text_rows`` before anything is measured."""
    if _kind(path) is _Parquet:
        _parquet()


def _kind(path: str | os.PathLike[str]) -> Callable[[BinaryIO, Sequence[str]], _Writer]:
    kinds: dict[str, Any] = {".parquet": _Parquet, ".csv": _Csv, ".jsonl": _JsonLines}
    kind = kinds.get(Path(path).suffix.lower())
    if kind is None:
        raise UsageError("{output}: its suffix is not one of {known}", "rename it", output=path, known=", ".join(kinds))
    return kind  # type: ignore[no-any-return]


class _Csv:
    def __init__(self, stream: BinaryIO, metrics: Sequence[str]) -> None:
        self._stream = stream
        self._write([(*COLUMNS, *metrics)])

    def add(self, rows: Iterable[Row]) -> None:
        self._write(
            (no_formula(shown_line(text)), tokens, layer, no_formula(title), head, *map(_word, values))
            for text, tokens, layer, title, head, values in rows
        )

    def close(self) -> None:
        pass

    def give_up(self) -> None:
        pass

    def _write(self, rows: Iterable[Sequence[Any]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._stream.write(text.getvalue().encode())


class _JsonLines:
    def __init__(self, stream: BinaryIO, metrics: Sequence[str]) -> None:
        self._stream, self._names = stream, (*COLUMNS, *metrics)

    def add(self, rows: Iterable[Row]) -> None:
        for *where, values in rows:
            record = dict(zip(self._names, (*where, *values), strict=True))  # NaN becomes null
            self._stream.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        pass

    def give_up(self) -> None:
        pass


class _Parquet:
    def __init__(self, stream: BinaryIO, metrics: Sequence[str]) -> None:
        self._arrow, parquet = _parquet()
        kinds = [self._arrow.string(), *[self._arrow.int64()] * 2, self._arrow.string(), self._arrow.int64()]
        kinds += [self._arrow.float64()] * len(metrics)
        self._schema = self._arrow.schema(list(zip((*COLUMNS, *metrics), kinds, strict=True)))
        self._writer = parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._rows: list[tuple[Any, ...]] = []

    def add(self, rows: Iterable[Row]) -> None:
        self._rows += [(*where, *map(_known, values)) for *where, values in rows]
        if len(self._rows) >= GROUP:
            self._flush()

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._writer.close()

    def give_up(self) -> None:
        self._writer.is_open = False  # else it ends its file when it is forgotten, which is closed by then, and says so

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True)
        arrays = [self._arrow.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows = []


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise AttnvizError(
            "{suffix} files need {name}, which is not installed",
            "pip install 'attnviz[cluster]'",
            suffix=".parquet",
            name="pyarrow",
        ) from None
    return pyarrow, parquet


def _word(value: float) -> str:
    """A number in full, as it is read again; "" where there is none."""
    return "" if math.isnan(value) else repr(value)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
