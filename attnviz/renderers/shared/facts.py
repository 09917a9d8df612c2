"""What any look says beside its numbers, in the language of its reader: of which model they are, of which positions."""

from __future__ import annotations

from attnviz.choices import is_tiny
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.text.lessons import Lessons
from attnviz.trace.origin import Origin


def exactness(model: str, error: float | None, words: Lessons) -> str:
    """Of which model the numbers are, and how exactly; "" where either is unknown."""
    if not model or error is None:
        return ""
    if not error:
        return words.say("picture.exactness_whole", model=model)
    return words.say("picture.exactness", model=model, error=f"{error:.1e}")


def sampled(texts: int, words: Lessons) -> str:
    """That of some texts not each query was compared with the model's own outputs; "" where each was."""
    return words.say("stats.sampled", count=f"{texts:,}") if texts else ""


def whose_bias(source: Origin) -> str:
    """The name of the message that says what is known of a bias that is none of ALiBi's: the model in the package learned its own, one a distance; any other
    model has one, wherever it came from; of arrays it was given with them.
    """
    if source.kind != "model":
        return "masked.bias"
    return "masked.bias_learned" if is_tiny(source.model) else "masked.bias_model"


def left_out(share: float | None, words: Lessons, whose: str = "picture.left_out") -> str:
    """What is said of a result without some keys, which took the mean ``share`` of the weights; None: nothing.

    ``whose`` names the message: they are special tokens, unless it says otherwise.
    """
    return "" if share is None else words.say(whose, share=brief_percent(share))


def merged(source: Origin, words: Lessons) -> str:
    """What is said of tokens that are merged to words; "" where none are."""
    return words.say("picture.merged") if source.merged else ""


def row_sums(source: Origin, words: Lessons) -> str:
    """What is said of weights alone whose rows do not add up to 1; "" where all do."""
    if not (said := source.row_sums):
        return ""
    place = {"layer": layer_name(said["layer"], words), "head": said["head"], "place": said["query"]}
    return words.say(
        "picture.row_sums", off=f"{said['off']:,}", rows=f"{said['rows']:,}", sum=f"{said['sum']:.4g}", **place
    )


def queries(side: range, words: Lessons) -> str:
    """Positions of queries as a person says them: "queries 100–199"."""
    return _span("picture.one_query", "picture.queries", side, words)


def keys(side: range, words: Lessons) -> str:
    """The same of keys."""
    return _span("picture.one_key", "picture.keys", side, words)


def layer_name(title: str, words: Lessons) -> str:
    """A layer as it is named to a person: "layer 0" is of our words, the name of a stack ("decoder 0") the model's own."""
    word, _, number = title.partition(" ")
    return words.say("picture.layer", layer=number) if word == "layer" else title


def _span(one: str, several: str, side: range, words: Lessons) -> str:
    last = side.stop - 1
    if side.start == last:
        return words.say(one, place=f"{last:,}")
    return words.say(several, first=f"{side.start:,}", last=f"{last:,}")
