"""Statistics of parts of a corpus, as files or in memory, joined to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.corpus.state_file import kind_words, of_file, unpacked
from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.analysis.head_names import HeadName
from attnviz.errors import AttnvizError

Known = Statistics | EffectStatistics


def read_statistics(content: bytes, name: str) -> Known:
    """What a .stats file holds, whatever its numbers are of; AttnvizError, which calls it ``name``, where it is none."""
    found = unpacked(content, name)
    return (Statistics if found.kind == "weights" else EffectStatistics).of_packed(found, name)


def merged_parts(
    parts: Iterable[tuple[str, bytes]],
    thresholds: Mapping[HeadName, float] | None = None,
    quantiles: Sequence[float] = (),
) -> Known:
    """The statistics of all ``parts``, names and contents of files, as if one run had measured their texts.

    thresholds of names, and shares of the texts whose quantiles are told, take the place of those in the files. AttnvizError names the file that is none, that was measured
    otherwise than the first, or that holds the same texts as another.
    """
    whole: Known | None = None
    seen: dict[bytes, str] = {}
    for name, content in parts:
        one = read_statistics(content, name)
        digest = sha256(content).digest()
        if one.texts and digest in seen:
            raise AttnvizError(
                "{path} holds the same as {other}: each text would count twice",
                "name each part once",
                path=name,
                other=seen[digest],
            )
        seen[digest] = name
        if isinstance(one, Statistics):
            one.thresholds |= thresholds or {}
        whole = one if whole is None else _both(whole, one, name)
    if whole is None:
        raise AttnvizError("there is nothing to merge", "give at least one .stats file")
    if not whole.heads():
        raise AttnvizError("no text was measured in these files, so there is nothing to show")
    if thresholds and not isinstance(whole, Statistics):
        raise AttnvizError("heads are not named by their effects, so thresholds mean nothing", "leave them out")
    if quantiles:
        whole.show_quantiles(quantiles)
    return whole


def _both(whole: Known, one: Known, name: str) -> Known:
    with of_file(name):
        if isinstance(whole, Statistics) and isinstance(one, Statistics):
            return whole.merged(one)
        if isinstance(whole, EffectStatistics) and isinstance(one, EffectStatistics):
            return whole.merged(one)
        raise AttnvizError(
            "it holds statistics of {found}, and the others of {kind}: they cannot be merged",
            found=kind_words(one.KIND),
            kind=kind_words(whole.KIND),
        )
