"""From words to numbers: of --threshold what each name takes, of --quantiles the shares of the texts."""

from __future__ import annotations

from collections.abc import Sequence

from attnviz.analysis.head_names import HeadName
from attnviz.arguments import numbers_of, quantiles_of
from attnviz.choices import THRESHOLD_LIMITS, listed_words
from attnviz.cli.options.corpus import CorpusOptions
from attnviz.errors import AttnvizError, UsageError
from attnviz.text.message import of_option


def thresholds(words: Sequence[str]) -> dict[HeadName, float]:
    """What is said of each name: "induction=0.4", several with commas between them; UsageError for what is no such word."""
    said: dict[HeadName, float] = {}
    for word in (one for some in words for one in listed_words(some)):
        name, _, text = word.partition("=")
        try:
            number = float(text)
        except ValueError:
            raise UsageError(
                "--threshold is {word!r:.60}: expected a name and a number, such as induction=0.4", word=word
            ) from None
        try:
            said |= numbers_of(HeadName, {name: number}, "threshold", THRESHOLD_LIMITS)
        except AttnvizError as error:
            raise UsageError(of_option(error.message), error.hint) from None
    return said


def quantile_shares(corpus: CorpusOptions) -> tuple[float, ...]:
    """The shares that --quantiles names; UsageError for what is no such number."""
    try:
        return quantiles_of(",".join(corpus.quantiles) if corpus.quantiles else ())
    except AttnvizError as error:
        raise UsageError(of_option(error.message), error.hint) from None
