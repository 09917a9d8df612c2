"""The arguments of a public call that say who measures many texts, and where what is finished is kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attnviz.api.models import trace_model
from attnviz.api.reading import require_known
from attnviz.api.traces import trace_text
from attnviz.arguments import member, path_of, real_number, text_of, where, whole_number
from attnviz.corpora.choices import AUTO, GPUS_LIMITS, NO_GPUS, SHARD_LIMITS, SHARD_SIZE, WORKERS_LIMITS, Engine
from attnviz.errors import AttnvizError
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from attnviz.analysis.corpus import Statistics
    from attnviz.renderers.stats.text_rows import Write
    from attnviz.sources.texts.corpus import CorpusText, Unread


class Workforce(NamedTuple):
    """Who measures the texts, as ``attnviz stats`` has it by these names."""

    workers: int | None
    state: Path | None
    shard_size: int
    engine: Engine
    address: str | None
    gpus_per_worker: float


USUAL: Mapping[str, Any] = {
    "workers": AUTO,
    "state": None,
    "shard_size": SHARD_SIZE,
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
    workers, state, address = given["workers"], given["state"], given["address"]
    if engine is not Engine.RAY:
        for name in ("address", "gpus_per_worker"):
            if given[name] != USUAL[name]:
                raise AttnvizError("{name} is for engine='ray'", name=name)
    return Workforce(
        None if workers == AUTO else whole_number("workers", workers, WORKERS_LIMITS),
        None if state is None else Path(path_of("state", state)),
        whole_number("shard_size", given["shard_size"], SHARD_LIMITS),
        engine,
        None if address is None else text_of("address", address),
        gpus,
    )


def by_workers(
    by: Workforce,
    texts: Any,
    model: Any,
    reads: Mapping[str, Any],
    measured: Mapping[str, Any],
    asked: Mapping[str, Any],
    write: Write,
) -> Statistics:
    """The statistics of ``texts``, measured by these workers, who load ``model`` themselves.

    reads     what a ``Job`` says of how texts are read, and which part of them is measured
    measured  options of ``Statistics``, which remember what was ``asked``
    write     what is given the rows of each text, where these are asked for

    AttnvizError where none can be read.
    """
    from attnviz.corpora.engines.chosen import engine_of
    from attnviz.corpora.job import Job
    from attnviz.corpora.run import run

    if not isinstance(model, str | os.PathLike | None):
        raise AttnvizError(
            "workers load the model themselves, and this one is loaded already",
            "give its folder or its id, or leave out workers, state and engine",
        )
    if isinstance(texts, Trace | str | Mapping | os.PathLike) or not isinstance(texts, Iterable):
        raise AttnvizError("workers, state and engine are for many texts", "give a list of texts, or an iterator")
    named = None if model is None else os.fspath(model)
    require_known(trace_text if model is None else trace_model, reads["making"])
    places = {name: where(name, reads[name]) for name in ("query", "key")}
    parts = {name: tuple(reads[name]) for name in ("layer", "head")}
    job = Job(**{**reads, **places, **parts}, model=named, measured=measured, asked=asked)
    engine = engine_of(by.engine, by.workers, by.address, by.gpus_per_worker)
    statistics = run(job, _named(texts), engine, state=by.state, size=by.shard_size, write=write)
    if not statistics.texts:
        reasons = statistics.left_out_texts.reasons
        if not reasons:
            raise AttnvizError("there are no texts", "give at least one")
        raise AttnvizError("text {place}: {said}", place=reasons[0].names[0], said=reasons[0].said)
    return statistics


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
