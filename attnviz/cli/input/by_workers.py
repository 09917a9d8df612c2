"""From options to a corpus and who measures it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from attnviz.arguments import whole_number
from attnviz.choices import TINY, Backend, is_tiny
from attnviz.cli.input.corpus import Corpus
from attnviz.cli.input.many import require_model
from attnviz.cli.input.model_traces import tell_unseen
from attnviz.cli.input.models import installed, path_of, require_no_rule, require_no_toy, require_numpy
from attnviz.cli.input.traces import Making, TraceMaker, given_rule, require_one_source
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import LoadOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions
from attnviz.cli.options.source import BatchOptions
from attnviz.cli.options.workers import WorkersOptions
from attnviz.cli.output.corpus_progress import corpus_progress
from attnviz.cli.output.streams import notice
from attnviz.cli.typer_groups import dashed, given_options
from attnviz.corpora.choices import AUTO, WORKERS_LIMITS, Engine
from attnviz.errors import AttnvizError, UsageError
from attnviz.text.message import COMMA, Message, joined
from attnviz.text.text_names import text_name

if TYPE_CHECKING:
    from attnviz.analysis.corpus.texts import Texts
    from attnviz.corpora.work import Work
    from attnviz.renderers.stats.text_rows import Write
    from attnviz.sources.texts.corpus import CorpusText, Unread
    from attnviz.sources.texts.length import Length

OF_MODEL = ("target", "chat", "pair", "verify")


def asks_for_workers(by: WorkersOptions) -> bool:
    """Whether something is said of who measures the texts, or how: then they are measured in shards."""
    return bool(given_options(by))


def require_many(by: WorkersOptions, many: bool) -> None:
    """Refuse what means nothing: workers for one text, or what only a cluster understands."""
    given = given_options(by)
    if given and not many:
        raise UsageError("--{name} is for many texts", "add --lines", name=dashed(next(iter(given))))
    require_cluster(by)


def require_cluster(by: WorkersOptions) -> None:
    """Refuse what only a cluster understands, where there is none."""
    given = given_options(by)
    if by.engine is not Engine.RAY:
        for name in (name for name in ("address", "gpus_per_worker") if name in given):
            raise UsageError("--{name} is for --engine ray", "add --engine ray", name=dashed(name))


class Kept(NamedTuple):
    """What statistics remember of the options, and those that they are made with."""

    asked: dict[str, Any]
    measured: dict[str, Any]


def measured_corpus(
    corpus: Corpus,
    making: Making,
    reading: BatchOptions,
    special: SpecialOptions,
    words: WordsOptions,
    part: PartOptions,
    region: RegionOptions,
    by: WorkersOptions,
    kept: Kept,
    write: Write | None,
) -> Any:
    """The statistics of all texts of ``corpus``, made by the workers that ``by`` asks for; rows go to ``write``, if it is there."""
    from attnviz.corpora.job import Job
    from attnviz.sources.texts.length import Length

    require_one_source(corpus.source, making.model)
    if getattr(corpus.source, "from_", None) is not None:
        raise UsageError("--lines is for texts: --from brings one trace")
    require_model(making, reading)
    job = Job(
        model=making.model.model,
        **_made(making),
        batch=reading.batch,
        length=Length(reading.max_length, reading.cut),
        layer=tuple(part.layer),
        head=tuple(part.head),
        query=region.query,
        key=region.key,
        skip_special=special.skip_special,
        words=words.words,
        toward=making.toward,
        measured=kept.measured,
        asked=kept.asked,
        by_text=write is not None,
    )
    return over_corpus(job, corpus, by, job.length, write)


def over_corpus(job: Work, corpus: Corpus, by: WorkersOptions, length: Length, write: Write | None = None) -> Any:
    """What ``job`` finds in all texts of ``corpus``, each no longer than ``length`` says, by the workers that ``by`` asks for."""
    from attnviz.trace.origin import Origin

    texts = _WithWords(corpus, _InLetters(length) if is_tiny(job.model) else None)
    statistics = over(job, texts, by, corpus.total, write)
    texts.tell(statistics)
    tell_unseen(Origin(statistics.source))
    return statistics


def over(job: Work, texts: Any, by: WorkersOptions, total: int | None, write: Write | None = None) -> Any:
    """What ``job`` finds in ``texts``, of which there are ``total``; how far it is, is shown meanwhile."""
    from attnviz.corpora.engines.chosen import engine_of
    from attnviz.corpora.run import run

    engine = engine_of(by.engine, workers(by.workers), by.address, by.gpus_per_worker)
    with installed(), corpus_progress(total, job.unit) as watch:
        return run(job, texts, engine, state=by.state, size=by.shard_size, watch=watch, notice=notice, write=write)


def workers(word: str) -> int | None:
    """How many workers ``word`` asks for; None: as many as pay."""
    if word == AUTO:
        return None
    try:
        return whole_number("workers", int(word), WORKERS_LIMITS)
    except (ValueError, AttnvizError):
        raise UsageError(
            "--workers is {word!r:.40}: expected auto, or a whole number from {least:.0f} to {most:.0f}",
            word=word,
            least=WORKERS_LIMITS.min,
            most=WORKERS_LIMITS.max,
        ) from None


def _made(making: Making) -> dict[str, Any]:
    """How a text becomes a trace, as a job says it."""
    model, engine = making.model, making.engine
    if model.model is None:
        TraceMaker(making.toy, making.rule, engine)  # what does not fit together is wrong before any worker starts
        toy = {name: value for name, value in vars(making.toy).items() if value is not None}
        backend = engine.backend or (Backend.TORCH if engine.device else Backend.NUMPY)
        plain = backend is Backend.NUMPY and engine.device is None and engine.dtype is None
        dtype = None if engine.dtype is None else engine.dtype.value
        return {
            "making": toy | given_rule(making.rule),
            "computed": None if plain else (backend.value, engine.device, dtype),
        }
    require_no_toy(making.toy, "--model")
    require_no_rule(making.rule)
    if model.image is not None:
        raise UsageError("--lines is for texts, and --image is one image", "leave out --lines")
    if is_tiny(model.model):
        require_numpy(model, engine)
    of_model = {name: value for name in OF_MODEL if (value := getattr(model, name)) not in (None, False)}
    computed = (
        (Backend.NUMPY.value, None, None) if engine.backend is Backend.NUMPY and not is_tiny(model.model) else None
    )
    return {
        "making": of_model | loaded_with(model, engine),
        "computed": computed,
    }


def loaded_with(model: LoadOptions, engine: EngineOptions) -> dict[str, Any]:
    """What a model is loaded with, beside its name."""
    asked = {"device": engine.device, "dtype": engine.dtype and engine.dtype.value, "device_map": model.device_map}
    asked |= {"adapter": path_of(model.adapter)}
    return {name: value for name, value in asked.items() if value is not None}


class _InLetters:
    """The words that the model in the package reads by their letters: what a worker notices, it tells nobody."""

    def __init__(self, length: Length) -> None:
        from attnviz.sources.texts.length import in_words
        from attnviz.sources.tiny.loading import load
        from attnviz.sources.tiny.notices import Spelled

        self._model, self._words, self._spelled = load(TINY), in_words(), Spelled()
        self._length = length.within(self._model.positions)

    def add(self, text: str) -> None:
        """Count the words of a text, as far as the model can read it."""
        with suppress(AttnvizError):
            self._spelled.add(self._model.encode(self._length.fitted(text, self._words) if self._length.cut else text))

    def tell(self) -> None:
        """Say how many they are, if there are any."""
        if (said := self._spelled.notice()) is not None:
            notice(said)


class _WithWords:
    """The texts of a corpus, without the blank ones, which are counted."""

    def __init__(self, corpus: Corpus, letters: _InLetters | None = None) -> None:
        self.corpus, self.letters, self.blank = corpus, letters, 0

    def __iter__(self) -> Iterator[CorpusText | Unread | None]:
        """Each of them, and None while the next has not come."""
        texts = iter(self.corpus)
        while True:
            if self.corpus.is_there() is False:  # where nobody can tell, it is waited for
                yield None
                continue
            if (text := next(texts, None)) is None:
                return
            if getattr(text, "blank", False):
                self.blank += 1
                continue
            if self.letters is not None and (given := getattr(text, "text", None)) is not None:
                self.letters.add(given)
            yield text

    def tell(self, statistics: Texts) -> None:
        """Say what was left out; AttnvizError where that is all."""
        reasons = statistics.left_out_texts.reasons
        if not statistics.texts:
            if not reasons:
                raise AttnvizError("no line holds a word", "give at least one word")
            raise AttnvizError("{name}: {said}", name=reasons[0].names[0], said=reasons[0].said)
        if self.letters is not None:
            self.letters.tell()
        if self.blank:
            blank = self.blank
            notice(Message("{blank:,} blank lines skipped", blank=blank))
        for reason in reasons:
            names = joined(map(text_name, reason.names), COMMA)
            more = Message("{names}, …", names=names) if reason.texts > len(reason.names) else names
            notice(Message("{texts:,} skipped ({names}): {why}", texts=reason.texts, names=more, why=reason.said))
