"""What workers are told to do with the texts of a corpus: plain data that another process, or another machine, can be sent."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeVar

from attnviz.arguments import hash_of_array
from attnviz.corpora.choices import SHARD_SIZE, TEXTS
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.analysis.corpus.by_text import TextRows
    from attnviz.analysis.corpus.skipped import LeftOut
    from attnviz.sources.texts.corpus import CorpusText, Unread

Own = TypeVar("Own", bound="Sums")


class Sums(Protocol):
    """What is found in texts, whatever is measured of them: merged with what is found in others, and written as a file."""

    partial: bool

    @property
    def texts(self) -> int:
        """How many texts were measured."""

    @property
    def skipped(self) -> int:
        """How many texts could not be read."""

    def merged(self: Own, other: Own) -> Own:
        """Of the texts of both."""

    def to_bytes(self) -> bytes:
        """All of it, as the bytes of a file."""


class Made(NamedTuple):
    """What was made of a shard: what was found, over how many tokens that a model has read, the rows of its texts where they are
    asked for, and which were left out."""

    statistics: Any  # Sums, of one kind in one run
    tokens: int
    rows: Sequence[TextRows] = ()
    left_out: Sequence[LeftOut] = ()


Measure = Callable[[Sequence["CorpusText | Unread"]], Sums]


@dataclass(frozen=True)
class Work(ABC):
    """What is made of the texts, and by which model.

    model   a folder, an id, or "tiny"
    making  what it is loaded with, and how it reads
    """

    model: str | None = None
    making: Mapping[str, Any] = field(default_factory=dict)

    measures: ClassVar[str]  # what, in one word
    unit: ClassVar[str] = TEXTS
    usual_size: ClassVar[int] = SHARD_SIZE  # of a shard, where nobody says how many texts it has

    @abstractmethod
    def worker(self) -> Measure:
        """What measures texts, with the model loaded."""

    @abstractmethod
    def statistics(self) -> Sums:
        """What is found in no text."""

    @abstractmethod
    def opened(self, content: bytes, name: str) -> Made:
        """What a worker has made of a shard; AttnvizError, which calls it ``name``, where it is damaged."""

    @property
    def options(self) -> dict[str, Any]:
        """All that decides what is measured, beside the texts and what the model's files hold: plain data."""
        from attnviz.corpora.fingerprint import called

        named = called(self.model, self.making)
        making = {name: named.get(name, value) for name, value in self.making.items()}
        said = {"measures": self.measures, **_fields(self), "model": named.get("model"), "making": making}
        options: dict[str, Any] = json.loads(json.dumps(said, default=_plain, sort_keys=True))
        return options

    @property
    def name(self) -> str:
        """The name of this work: a hash of its options, of this version of attnviz, and of all that the model's files hold."""
        from attnviz.corpora.fingerprint import fingerprint

        version = sys.modules[__name__.partition(".")[0]].__version__
        said = [version, self.options, fingerprint(self.model, self.making)]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def opened(kind: Any, content: bytes, name: str, by_text: bool) -> Made:
    """Statistics of this ``kind`` of heads, with what stands in their file beside them."""
    from attnviz.analysis.corpus.by_text_arrays import rows_of
    from attnviz.analysis.corpus.skipped import left_out_of
    from attnviz.analysis.corpus.state_file import of_file, unpacked

    held = unpacked(content, name)
    statistics = kind.of_packed(held, name)
    with of_file(name):
        rows = rows_of(held.arrays, len(statistics.kept)) if by_text else []
        return Made(statistics, statistics.tokens, rows, left_out_of(held.record.get("left_out", [])))


def require_sendable(work: Work) -> None:
    """Refuse what cannot be sent to another process, such as a tokenizer that holds an open file."""
    for name, value in {**_fields(work), **work.making}.items():
        if name != "making":
            _pickled(name, value)


def _fields(work: Work) -> dict[str, Any]:
    return {one.name: getattr(work, one.name) for one in fields(work)}


def _pickled(name: str, value: Any) -> bytes:
    try:
        return pickle.dumps(value)
    except Exception as error:  # each class has errors of its own
        raise AttnvizError(
            "{name} is a {kind}, which cannot be sent to another process: {why}",
            "give the folder that it was loaded from, or leave out workers, state and engine",
            name=name,
            kind=type(value).__name__,
            why=str(error).partition("\n")[0],
        ) from None


def _plain(value: Any) -> Any:
    """What JSON does not know of the options: paths, ranges, sets, arrays, of which each number counts, and objects, of which all
    counts that they are made again from."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, range):
        return [value.start, value.stop, value.step]
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "__array__"):
        return hash_of_array(value)
    kind = type(value)
    if kind.__module__ == "torch":  # a type of numbers, or a device: its name says all
        return str(value)
    return f"{kind.__name__} {hashlib.sha256(_pickled(kind.__name__, value)).hexdigest()}"
