"""Texts out of a Parquet file, a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from attnviz.errors import AttnvizError
from attnviz.text.display import shorten, shown_line

ROWS = 128  # at once: each may be as long as a text may be


def rows(stream: BinaryIO, path: Path, field: str) -> Iterator[bytes | None]:
    """The bytes of ``field`` in each row, None where there is nothing; AttnvizError where there is no such field of texts."""
    pyarrow, parquet = _library(path)
    try:
        with parquet.ParquetFile(stream, buffer_size=1 << 20) as file:
            _require_texts(file.schema_arrow, path, field)
            for batch in file.iter_batches(ROWS, columns=[field]):
                yield from _bytes_of(pyarrow, batch.column(0))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise AttnvizError(
            "{path} is not a readable {suffix} file: {error}",
            path=path,
            suffix=".parquet",
            error=shorten(shown_line(str(error)), 200),
        ) from None


def row_count(stream: BinaryIO, path: Path) -> int | None:
    """How many rows the file says that it has; None where it cannot be read."""
    pyarrow, parquet = _library(path)
    try:
        return int(parquet.ParquetFile(stream).metadata.num_rows)
    except (pyarrow.ArrowException, OSError, ValueError):
        return None


def _library(path: Path) -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise AttnvizError(
            "{path} needs pyarrow, which is not installed", "pip install 'attnviz[cluster]'", path=path
        ) from None
    return pyarrow, parquet


def _require_texts(schema: Any, path: Path, field: str) -> None:
    if schema.names.count(field) != 1:
        known = shorten(shown_line(", ".join(schema.names)), 80)
        raise AttnvizError(
            "{path} has no field {field}, but {known}", "name it with --field", path=path, field=field, known=known
        )
    from pyarrow import types

    kind = schema.field(field).type
    inner = kind.value_type if types.is_dictionary(kind) else kind
    if not (types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner)):
        raise AttnvizError(
            "{path}: its field {field} holds {kind}, and not texts",
            "name another with --field",
            path=path,
            field=field,
            kind=kind,
        )


def _bytes_of(pyarrow: Any, column: Any) -> Iterator[bytes | None]:
    """The values of a column as they stand in the file: one that is no UTF-8 would spoil the others."""
    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    yield from column.cast(pyarrow.large_binary()).to_pylist()
