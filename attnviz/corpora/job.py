"""How the texts of a corpus are measured: plain data that another process, or another machine, can be sent."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from attnviz.arguments import hash_of_array
from attnviz.choices import OUTPUT
from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.texts.length import ANY_LENGTH, Length
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from attnviz.analysis.corpus import Statistics
    from attnviz.sources.texts.corpus import CorpusText, Unread


@dataclass(frozen=True)
class Job:
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

    model: str | None = None
    making: Mapping[str, Any] = field(default_factory=dict)
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

    @property
    def options(self) -> dict[str, Any]:
        """All that decides what is measured, beside the texts and what the model's files hold: plain data."""
        options: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_plain, sort_keys=True))
        return options

    @property
    def name(self) -> str:
        """The name of this job: a hash of its options, of this version of attnviz, and of all that the model's files hold."""
        from attnviz.corpora.fingerprint import fingerprint

        version = sys.modules[__name__.partition(".")[0]].__version__
        said = [version, self.options, fingerprint(self.model, self.making)]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


class Worker:
    """Texts to their statistics, by one job, with a model that is loaded once."""

    def __init__(self, job: Job) -> None:
        from attnviz.api.many import Texts
        from attnviz.api.reading import reading

        directed = job.model is not None and job.toward not in (None, OUTPUT)
        making = {**job.making, "toward": job.toward} if directed else job.making
        read = reading(job.model, None, list(job.layer), making)
        self.job, self._read = job, Texts(read, job.batch, job.length)

    def __call__(self, texts: Sequence[CorpusText | Unread]) -> Statistics:
        """The statistics of these texts; one that cannot be read or measured is skipped, and told there."""

        statistics = self.job.statistics()
        statistics.of_texts = [] if self.job.by_text else None
        for text, answer in self._read(texts):
            try:
                self._add(statistics, answer, text.name)
            except (ChoiceError, UsageError):  # no other text would do better
                raise
            except AttnvizError as error:
                statistics.skip(error.message, text.name)
        return statistics

    def _add(self, statistics: Statistics, answer: Trace | AttnvizError, name: str) -> None:
        from attnviz.api.selected import along, in_words, selected

        if isinstance(answer, AttnvizError):
            raise answer
        job = self.job
        trace = answer if job.computed is None else answer.to(*job.computed)
        trace = in_words(along(trace, job.toward), job.words, job.layer, [statistics.step])
        part = selected(trace, job.layer, job.head, job.query, job.key, job.skip_special)
        statistics.add(trace, part.as_region(), name=name)
        if statistics.of_texts is not None:
            statistics.of_texts.append(statistics.rows())


def _plain(value: Any) -> Any:
    """What JSON does not know of the options: paths, ranges, sets, and arrays, of which each number counts."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, range):
        return [value.start, value.stop, value.step]
    if isinstance(value, set | frozenset):
        return sorted(value)
    return hash_of_array(value) if hasattr(value, "__array__") else str(value)
