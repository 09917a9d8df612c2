"""The public call that finds retrieval heads."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attnviz.api.workers import USUAL, named_model, over, workforce
from attnviz.arguments import Chosen, chosen, real_number, text_of, whole_number
from attnviz.choices import NEEDLE_WORDS, NEEDLE_WORDS_LIMITS, NEEDLES, NEEDLES_LIMITS, THRESHOLD_LIMITS
from attnviz.corpora.choices import AUTO, NO_GPUS

if TYPE_CHECKING:
    from attnviz.analysis.retrieval import RetrievalStatistics


def retrieval(
    model: Any,
    haystack: str | None = None,
    *,
    needles: int = NEEDLES,
    needle_words: int | Iterable[int] = NEEDLE_WORDS,
    threshold: float | None = None,
    layer: Chosen = (),
    head: Chosen = (),
    tokenizer: Any = None,
    device: str | None = None,
    dtype: str | None = None,
    device_map: str | None = None,
    adapter: str | None = None,
    workers: int | str = AUTO,
    state: str | os.PathLike[str] | None = None,
    shard_size: int | None = None,
    engine: str = "local",
    address: str | None = None,
    gpus_per_worker: float = NO_GPUS,
) -> RetrievalStatistics:
    """Which heads look at a needle while ``model`` copies it out of a long text, as ``attnviz stats --needles`` tells it.

    What comes back prints as a table; ``.heads()`` has the scores, ``.asked`` the needles, ``.to_json()`` and ``.to_csv()`` the
    data. Wu et al. 2024, 2404.15574: a head's score is the share of the copied tokens at which its strongest key is that token
    inside the needle.

    model         a folder or a Hugging Face id of a model that writes, or one of transformers that is loaded already
    haystack      the text in which needles are hidden; None: that of the package
    needles       how many are asked for, at each length
    needle_words  how many words of the haystack there are around a needle, or several such lengths
    threshold     what a head must reach to be called a retrieval head, before that is held against chance
    layer, head   numbers and ranges ("0,4-7"); nothing means all
    tokenizer, device, dtype, device_map, adapter   as of ``trace_model``
    workers, state, shard_size, engine, address, gpus_per_worker   who asks for the needles (``attnviz manual workers``)

    AttnvizError where the model cannot write, copies none of the needles, or has no room for the text.
    """
    by = workforce({name: value for name, value in locals().items() if name in USUAL})
    from attnviz.analysis.head_names import HeadName
    from attnviz.analysis.retrieval import ask, require_copies
    from attnviz.corpora.needle_job import NeedleJob
    from attnviz.sources.writers import writer

    least = HeadName.RETRIEVAL.threshold if threshold is None else real_number("threshold", threshold, THRESHOLD_LIMITS)
    count = whole_number("needles", needles, NEEDLES_LIMITS)
    lengths = [needle_words] if isinstance(needle_words, int) else needle_words
    words = [whole_number("needle_words", one, NEEDLE_WORDS_LIMITS) for one in lengths]
    text = haystack if haystack is None else text_of("haystack", haystack)
    layers, heads = tuple(chosen("layer", layer)), tuple(chosen("head", head))
    options = {"device": device, "dtype": dtype, "device_map": device_map, "adapter": adapter}
    made = {name: value for name, value in {"tokenizer": tokenizer, **options}.items() if value is not None}
    job = NeedleJob(None if by is None else named_model(model), made, count, tuple(words), text, least, layers, heads)
    if by is not None:
        statistics: RetrievalStatistics = over(by, job, job.texts())
    else:
        statistics, write = job.statistics(), writer(model, tokenizer, copies=True, **options)
        ask(statistics, write, job.hidden, layers, heads)
    require_copies(statistics)
    return statistics
