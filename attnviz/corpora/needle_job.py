"""How needles are looked for by many workers: each needle is a text that a model goes on from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from attnviz.corpora.choices import NEEDLES, NEEDLES_SHARD_SIZE
from attnviz.corpora.work import Made, Work
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.analysis.retrieval import RetrievalStatistics
    from attnviz.sources.texts.corpus import CorpusText, Unread
    from attnviz.text.needles import Planted


@dataclass(frozen=True)
class NeedleJob(Work):
    """Which model copies the needles, and which of its heads are watched.

    making      how the model is loaded: options of ``writer`` (sources/writers.py), its tokenizer among them
    count, words, haystack  how many needles, in how many words each time, of which text: options of ``hidden_needles``
    threshold   of a head's name, before it is held against chance
    layer, head as of ``attnviz.retrieval``
    """

    measures: ClassVar = "needles"
    unit: ClassVar = NEEDLES
    usual_size: ClassVar = NEEDLES_SHARD_SIZE
    count: int = 1
    words: tuple[int, ...] = ()
    haystack: str | None = None
    threshold: float = 0.0
    layer: tuple[str, ...] = ()
    head: tuple[str, ...] = ()

    @cached_property
    def hidden(self) -> list[Planted]:
        """The needles, in their order."""
        from attnviz.analysis.copied import hidden_needles

        return list(hidden_needles(self.count, self.words, self.haystack))

    def texts(self) -> list[CorpusText]:
        """The same as the texts of a corpus."""
        from attnviz.sources.texts.corpus import CorpusText

        return [
            CorpusText(place, Message("needle {number}", number=place + 1), needle.text)
            for place, needle in enumerate(self.hidden)
        ]

    def worker(self) -> NeedleWorker:
        """What has needles copied, with the model loaded."""
        return NeedleWorker(self)

    def statistics(self) -> RetrievalStatistics:
        """The scores before any needle."""
        from attnviz.analysis.retrieval import RetrievalStatistics

        return RetrievalStatistics(self.threshold)

    def opened(self, content: bytes, name: str) -> Made:
        """What a worker has made of a shard."""
        from attnviz.analysis.retrieval import RetrievalStatistics

        statistics = RetrievalStatistics.from_bytes(content, name, self.hidden)
        return Made(statistics, statistics.read)


class NeedleWorker:
    """Needles to the scores of heads, with the model loaded once."""

    def __init__(self, job: NeedleJob) -> None:
        from attnviz.sources.writers import writer

        self.job, self._write = job, writer(job.model, copies=True, **job.making)

    def __call__(self, texts: Sequence[CorpusText | Unread]) -> RetrievalStatistics:
        """The scores over these needles."""
        from attnviz.analysis.retrieval import ask

        statistics, job = self.job.statistics(), self.job
        ask(statistics, self._write, [job.hidden[text.number] for text in texts], job.layer, job.head)
        return statistics
