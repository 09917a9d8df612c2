"""A corpus cut into shards, each of which is measured by itself and named by what is measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from attnviz.corpora.choices import SHARD_SIZE
from attnviz.sources.texts.corpus import CorpusText, Unread
from attnviz.text.message import Message


class Shard(NamedTuple):
    """Some texts of a corpus that follow each other.

    number  from 0
    texts   and lines that hold none
    """

    number: int
    texts: tuple[CorpusText | Unread, ...]

    def key(self, job: str) -> str:
        """The name of what the job with the key ``job`` makes of these texts: a hash of both, and of what the texts are called."""
        of_each = [_said(text) for text in self.texts]
        return hashlib.sha256(json.dumps([job, of_each]).encode()).hexdigest()

    @property
    def told(self) -> Message:
        """The shard as a person would look for it."""
        first, last = self.texts[0].name, self.texts[-1].name
        return Message("shard {number} ({first} to {last})", number=self.number, first=first, last=last)


def shards(texts: Iterable[CorpusText | Unread | None], size: int = SHARD_SIZE) -> Iterator[Shard | None]:
    """``texts`` in shards of ``size``, the last of what is left: the same shards whoever measures them. None for a text means that it
    has not come yet, and then None comes from here, too: there is time for something else."""
    some: list[CorpusText | Unread] = []
    number = 0
    for text in texts:
        if text is None:
            yield None
            continue
        some.append(text)
        if len(some) == size:
            yield Shard(number, tuple(some))
            number, some = number + 1, []
    if some:
        yield Shard(number, tuple(some))


def _said(text: CorpusText | Unread) -> list[str]:
    """All of a text that what is kept of it depends on: of a line that holds none, why, for that is kept as well."""
    return [text.name, text.text] if isinstance(text, CorpusText) else [text.name, "", text.error.message]
