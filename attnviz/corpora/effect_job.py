"""How is measured, over the texts of a corpus, what taking heads away does to a model's predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from attnviz.corpora.choices import EFFECTS_SHARD_SIZE
from attnviz.corpora.work import Made, Work, opened

if TYPE_CHECKING:
    from attnviz.analysis.effect_corpus import EffectStatistics
    from attnviz.sources.texts.corpus import CorpusText, Unread


@dataclass(frozen=True)
class EffectJob(Work):
    """Which model reads the texts, and which of its heads are taken away.

    making    how the model is loaded: options of ``predictor`` (sources/predictors.py), its tokenizer among them
    of_each   what is read beside each text: target, chat, pair
    layer, head   whose effects are measured, as of ``attnviz.stats``
    answer    the token whose probability is measured; None: the likeliest
    measured  options of ``EffectStatistics``
    asked     what these remember of all this
    by_text   whether what is measured of each text is handed on beside the statistics
    """

    measures: ClassVar = "effects"
    usual_size: ClassVar = EFFECTS_SHARD_SIZE
    of_each: Mapping[str, Any] = field(default_factory=dict)
    layer: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    answer: str | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    by_text: bool = False

    def worker(self) -> EffectWorker:
        """What measures texts, with the model loaded."""
        return EffectWorker(self)

    def statistics(self) -> EffectStatistics:
        """The statistics to which no text has been added."""
        from attnviz.analysis.effect_corpus import EffectStatistics

        statistics = EffectStatistics(**self.measured)
        statistics.asked = dict(self.asked)
        return statistics

    def opened(self, content: bytes, name: str) -> Made:
        """What a worker has made of a shard."""
        from attnviz.analysis.effect_corpus import EffectStatistics

        return opened(EffectStatistics, content, name, self.by_text)


class EffectWorker:
    """Texts to the effects of heads on what a model predicts of them, with the model loaded once."""

    def __init__(self, job: EffectJob) -> None:
        from attnviz.sources.predictors import predictor

        self.job, self._predictor = job, predictor(job.model, **job.making)
        self._meant = None if job.answer is None else self._predictor.answer(job.answer)

    def __call__(self, texts: Sequence[CorpusText | Unread]) -> EffectStatistics:
        """The statistics of these texts; one that cannot be read or measured is skipped, and told there."""
        from attnviz.analysis.effects import measure_effects
        from attnviz.api.gathered import each_added

        job, statistics = self.job, self.job.statistics()
        statistics.of_texts = [] if job.by_text else None

        def add(text: CorpusText, name: str) -> None:
            read = self._predictor.read(text.text, **job.of_each)
            found = measure_effects(read, self._meant, statistics.ablation, layer=job.layer, head=job.head)
            statistics.add(found, name)
            if statistics.of_texts is not None:
                statistics.of_texts.append(statistics.rows())

        statistics.each_left_out = each_added(statistics, texts, add)
        return statistics
