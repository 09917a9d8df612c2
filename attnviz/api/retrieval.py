"""The public call that finds retrieval heads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attnviz.arguments import Chosen, chosen, real_number, text_of, whole_number
from attnviz.choices import NEEDLE_WORDS, NEEDLE_WORDS_LIMITS, NEEDLES, NEEDLES_LIMITS, THRESHOLD_LIMITS
from attnviz.progress import Progress, no_progress

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

    AttnvizError where the model cannot write, copies none of the needles, or has no room for the text.
    """
    from attnviz.analysis.head_names import HeadName
    from attnviz.analysis.retrieval import RetrievalStatistics
    from attnviz.sources.writers import writer

    least = HeadName.RETRIEVAL.threshold if threshold is None else real_number("threshold", threshold, THRESHOLD_LIMITS)
    count = whole_number("needles", needles, NEEDLES_LIMITS)
    lengths = [needle_words] if isinstance(needle_words, int) else list(needle_words)
    words = [whole_number("needle_words", one, NEEDLE_WORDS_LIMITS) for one in lengths]
    text = None if haystack is None else text_of("haystack", haystack)
    write = writer(model, tokenizer, copies=True, device=device, dtype=dtype, device_map=device_map, adapter=adapter)
    statistics = RetrievalStatistics(least)
    ask(statistics, write, count, words, text, chosen("layer", layer), chosen("head", head))
    return statistics


def ask(
    statistics: RetrievalStatistics,
    write: Any,
    count: int,
    words: Iterable[int],
    haystack: str | None,
    layer: Iterable[str],
    head: Iterable[str],
    report: Progress = no_progress,
) -> None:
    """Have ``write`` copy the needles, and add each to ``statistics``; ``report`` is told how many are done, of how many."""
    from attnviz.analysis.retrieval import WRITTEN, hidden_needles, require_copies
    from attnviz.trace.selection import select
    from attnviz.trace.written import Sampling

    hidden = list(hidden_needles(count, list(words), haystack))
    for done, needle in enumerate(hidden):
        report(done, len(hidden))
        trace = write(needle.text, WRITTEN, sampling=Sampling(), alternatives=1)
        statistics.add(trace, needle, select(trace, layer=list(layer), head=list(head)))
    require_copies(statistics)
