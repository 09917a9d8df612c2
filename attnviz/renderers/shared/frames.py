"""Records as tables of pandas and of polars, which attnviz does not need otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attnviz.errors import AttnvizError


def to_pandas(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Any:
    """The records as a DataFrame of pandas; AttnvizError where that is not installed."""
    return _library("pandas").DataFrame(records, columns=list(columns))


def to_polars(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Any:
    """The records as a DataFrame of polars; AttnvizError where that is not installed."""
    return _library("polars").DataFrame(records, schema=list(columns), infer_schema_length=None)


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise AttnvizError(
            "{name} is not installed", "pip install {name}, or take .records or .to_csv()", name=name
        ) from None
