"""The arguments of a public call that say who measures many texts, and where what is finished is kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attnviz.api.gathered import error_of
from attnviz.api.models import trace_model
from attnviz.api.reading import require_known
from attnviz.api.traces import trace_text
from attnviz.arguments import member, path_of, real_number, text_of, where, whole_number
from attnviz.corpora.choices import AUTO, GPUS_LIMITS, NO_GPUS, SHARD_LIMITS, WORKERS_LIMITS, Engine
from attnviz.errors import AttnvizError
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from attnviz.analysis.corpus.skipped import LeftOut
    from attnviz.corpora.work import Work
    from attnviz.renderers.stats.text_rows import Write
    from attnviz.sources.texts.corpus import CorpusText, Unread


class Workforce(NamedTuple):
    """Who measures the texts, as ``attnviz stats`` has it by these names."""

    workers: int | None
    state: Path | None
    shard_size: int | None
    engine: Engine
    address: str | None
    gpus_per_worker: float


USUAL: Mapping[str, Any] = {
    "workers": AUTO,
    "state": None,
    "shard_size": None,
    "engine": "local",
    "address": None,
    "gpus_per_worker": NO_GPUS,
}


def workforce(given: Mapping[str, Any]) -> Workforce | None:
    """Who is asked for; None where nothing is said of it."""
    if given == USUAL:
        return None
    engine, gpus = (
        member(Engine, given["engine"], "engine"),
        real_number("gpus_per_worker", given["gpus_per_worker"], GPUS_LIMITS),
    )
    workers, state, address, size = given["workers"], given["state"], given["address"], given["shard_size"]
    if engine is not Engine.RAY:
        for name in ("address", "gpus_per_worker"):
            if given[name] != USUAL[name]:
                raise AttnvizError("{name} is for engine='ray'", name=name)
    return Workforce(
        None if workers == AUTO else whole_number("workers", workers, WORKERS_LIMITS),
        None if state is None else Path(path_of("state", state)),
        None if size is None else whole_number("shard_size", size, SHARD_LIMITS),
        engine,
        None if address is None else text_of("address", address),
        gpus,
    )


def by_workers(
    by: Workforce, work: Work, texts: Any, write: Write | None = None
) -> tuple[Any, dict[int, AttnvizError]]:
    """What ``work`` finds in ``texts``, by these workers, who load its model themselves; and why some texts could not be read, by
    their places. ``write`` is given the rows of each text, where these are asked for.

    AttnvizError where none can be read.
    """
    if isinstance(texts, Trace | str | Mapping | os.PathLike) or not isinstance(texts, Iterable):
        raise AttnvizError("workers, state and engine are for many texts", "give a list of texts, or an iterator")
    errors: dict[int, AttnvizError] = {}

    def failed(one: LeftOut) -> None:
        errors[one.place] = error_of(one)

    statistics = over(by, work, _named(texts), write, failed)
    if not statistics.texts:
        raise next(iter(errors.values()), AttnvizError("there are no texts", "give at least one"))
    return statistics, errors


def over(by: Workforce, work: Work, texts: Any, write: Write | None = None, failed: Any = None) -> Any:
    """What ``work`` finds in ``texts``; ``failed`` is given those that were left out."""
    from attnviz.corpora.engines.chosen import engine_of
    from attnviz.corpora.run import nobody_asks, run

    engine = engine_of(by.engine, by.workers, by.address, by.gpus_per_worker)
    return run(work, texts, engine, state=by.state, size=by.shard_size, write=write, failed=failed or nobody_asks)


def named_model(model: Any) -> str | None:
    """The folder or the id of a model that workers load; AttnvizError where it is loaded already."""
    if not isinstance(model, str | os.PathLike | None):
        raise AttnvizError(
            "workers load the model themselves, and this one is loaded already",
            "give its folder or its id, or leave out workers, state and engine",
        )
    return None if model is None else os.fspath(model)


def weights_job(model: Any, reads: Mapping[str, Any], measured: Mapping[str, Any], asked: Mapping[str, Any]) -> Work:
    """How weights are measured by workers.

    reads     what a ``Job`` says of how texts are read, and which part of them is measured
    measured  options of ``Statistics``, which remember what was ``asked``
    """
    from attnviz.corpora.job import Job

    named = named_model(model)
    require_known(trace_text if model is None else trace_model, reads["making"])
    places = {name: where(name, reads[name]) for name in ("query", "key")}
    parts = {name: tuple(reads[name]) for name in ("layer", "head")}
    return Job(**{**reads, **places, **parts}, model=named, measured=measured, asked=asked)


def _named(texts: Iterable[Any]) -> Iterator[CorpusText | Unread]:
    """``texts`` with their names, those of files (``attnviz.read_texts``) as they are; blank lines are none."""
    from attnviz.sources.texts.corpus import CorpusText, Unread

    for place, text in enumerate(texts):
        if isinstance(text, CorpusText | Unread):
            if not getattr(text, "blank", False):
                yield text
        elif isinstance(text, str):
            yield CorpusText(place, str(place), text)  # as one process calls it
        else:
            kind = type(text).__name__
            raise AttnvizError("text {place} is of type {kind}: workers read texts alone", place=place, kind=kind)
