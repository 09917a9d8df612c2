"""How the weights of a corpus' texts, or what is contributed with them, are measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from attnviz.choices import OUTPUT
from attnviz.corpora.work import Made, Work, opened
from attnviz.sources.texts.length import ANY_LENGTH, Length
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from attnviz.analysis.corpus import MeasuredText, Statistics
    from attnviz.sources.texts.corpus import CorpusText, Unread


@dataclass(frozen=True)
class Job(Work):
    """What reads the texts, and what is measured of them.

    model     a folder, an id, or "tiny"; None: toy attention
    making    options of ``attnviz.trace_model``, or of ``attnviz.trace_text`` without a model
    batch, length  how many texts a model reads at once (None: as memory allows), and how long each may be
    computed  backend, device and type of numbers of what is measured; None: as it was read
    layer, head, query, key, skip_special, words, toward   what is selected, as of ``attnviz.stats``
    measured  options of ``Statistics``
    asked     what these remember of all this
    by_text   whether what is measured of each text is handed on beside the statistics
    """

    measures: ClassVar = "weights"
    batch: int | None = None
    length: Length = ANY_LENGTH
    computed: tuple[str, str | None, str | None] | None = None
    layer: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    query: Any = None
    key: Any = None
    skip_special: bool = False
    words: bool = False
    toward: str | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    by_text: bool = False

    def worker(self) -> Worker:
        """What measures texts, with the model loaded."""
        return Worker(self)

    def statistics(self) -> Statistics:
        """The statistics to which no text has been added."""
        from attnviz.analysis.corpus import Statistics

        statistics = Statistics(**self.measured)
        statistics.asked = dict(self.asked)
        if statistics.quantiles:
            from attnviz.analysis.corpus.quantiles import Sketches

            Sketches((1, 1))  # whose library may be missing: told once, and not of every text
        return statistics

    def opened(self, content: bytes, name: str) -> Made:
        """What a worker has made of a shard."""
        from attnviz.analysis.corpus import Statistics

        return opened(Statistics, content, name, self.by_text)


class Worker:
    """Texts to their statistics, by one job, with a model that is loaded once; whatever it has read before, these are the same to the
    last bit, so that a shard says the same whichever worker measures it: which texts run together rounds their numbers."""

    def __init__(self, job: Job) -> None:
        from attnviz.api.many import Texts
        from attnviz.api.reading import reading
        from attnviz.api.selected import by_weights_alone

        directed = job.model is not None and job.toward not in (None, OUTPUT)
        making = {**job.making, "toward": job.toward} if directed else job.making
        read = reading(job.model, None, list(job.layer), making)
        self.job, self._empty = job, job.statistics()
        narrowing = (job.head, job.query, job.key, job.skip_special, job.words, job.toward, job.computed)
        weigh = by_weights_alone(self._empty, *narrowing)
        self._fresh = partial(Texts, read, job.batch, job.length, self._measured, weigh)
        self._fresh()  # refuses what no text would do better

    def __call__(self, texts: Sequence[CorpusText | Unread]) -> Statistics:
        """The statistics of these texts; one that cannot be read or measured is skipped, and told there."""
        from attnviz.api.gathered import each_added

        statistics = self.job.statistics()
        statistics.of_texts = [] if self.job.by_text else None
        statistics.each_left_out = each_added(statistics, texts, partial(self._add, statistics), self._fresh())
        return statistics

    def _measured(self, trace: Trace) -> MeasuredText:
        from attnviz.api.selected import along, in_words, selected

        job = self.job
        trace = trace if job.computed is None else trace.to(*job.computed)
        trace = in_words(along(trace, job.toward), job.words, job.layer, [self._empty.step])
        part = selected(trace, job.layer, job.head, job.query, job.key, job.skip_special)
        return self._empty.measured(trace, part.as_region())

    def _add(self, statistics: Statistics, text: MeasuredText, name: str) -> None:
        statistics.take(text, name)
        if statistics.of_texts is not None:
            statistics.of_texts.append(statistics.rows())
