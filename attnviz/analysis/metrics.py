"""What can be asked of a head: each metric is one entry here, and its words in text/lessons.

Light, since --help reads the names: no numbers are imported. A function takes some rows of a head (analysis/blocks.py) and
gives a value for each query, (heads, rows); NaN where the question has no answer. What is made of these values (the mean or
the largest over the queries) is analysis/measure.py.

Where some tokens are left out, the weights and the positions stay those of the whole text: the mean is over the queries that
are left, and weight on a key that is left out is on no key. Only entropy and evenness, which need all of a row, count it
as one more key, together with what a sink takes.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnviz.analysis.blocks import Block

Values = Any  # (heads, rows) of NumPy, which is not imported here


def entropy(block: Block) -> Values:
    """−Σ w log₂ w in bits; what a sink and the keys that are left out take counts as one more key.

    How widely a head looks (Clark et al. 2019, "What Does BERT Look At?", 1906.04341, section 3.3).
    """
    return block.entropy


def evenness(block: Block) -> Values:
    """The entropy in parts of the largest that the mask allows, log₂ of the visible keys (and the one more): 0 … 1.

    Of queries that may look at two keys or more. Pielou 1966, "The Measurement of Diversity in Different Types of
    Biological Collections".
    """
    return block.ratio(block.entropy, block.largest_entropy)


def largest(block: Block) -> Values:
    """The largest weight of the row: a head's confidence (Voita et al. 2019, 1905.09418, section 4)."""
    return block.largest


def effective_keys(block: Block) -> Values:
    """(Σ w)² / Σ w²: how many keys share the weight, had all the same (the inverse participation ratio)."""
    return block.ratio(block.mass**2, block.squares)


def first(block: Block) -> Values:
    """The weight on the first key, of queries that see it and another (Xiao et al. 2023, attention sinks, 2309.17453).

    Behind padding, the first key is the first that is not padding.
    """
    return block.on_first


def itself(block: Block) -> Values:
    """The weight on the query's own token, which most heads of BERT give little (Clark et al. 2019, 1906.04341, section 3.1)."""
    return block.at_distance(0)


def previous(block: Block) -> Values:
    """The weight on the token before (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits")."""
    return block.at_distance(1)


def duplicate(block: Block) -> Values:
    """The weight on earlier copies of the query's token, of queries that have one (Wang et al. 2022, 2211.00593)."""
    return block.mass_on(block.same & (block.distance > 0))


def induction(block: Block) -> Values:
    """The weight on the tokens that followed earlier copies of the query's token, of queries that have one.

    Olsson et al. 2022, "In-context Learning and Induction Heads", 2209.11895. A follower that is the query itself, or
    stands after it, does not count.
    """
    return block.mass_on(block.follows & (block.distance > 0))


def distance(block: Block) -> Values:
    """Σ w · |query − key| / Σ w, in tokens (the mean attention distance of Vig and Belinkov 2019, 1906.04284)."""
    return block.ratio(block.weighted_sum(abs(block.distance)), block.mass)


def near(block: Block) -> Values:
    """The weight on keys nearer than ``Block.near`` (Beltagy et al. 2020, the local window of Longformer, 2004.05150)."""
    return block.weighted_sum(abs(block.distance) < block.near)


def mass(block: Block) -> Values:
    """Σ w: what sinks, and keys that are left out, leave to those that are looked at."""
    return block.mass


class Metric(StrEnum):
    """What can be asked of a head: its name, its unit, its function, and whether it asks where a key stands, which means
    nothing when the keys are of another text.
    """

    unit: str
    function: Callable[[Block], Values]
    positional: bool

    ENTROPY = "entropy", "bits", entropy
    EVENNESS = "evenness", "share", evenness
    LARGEST = "largest", "weight", largest
    EFFECTIVE_KEYS = "effective-keys", "keys", effective_keys
    FIRST = "first", "weight", first
    SELF = "self", "weight", itself, True
    PREVIOUS = "previous", "weight", previous, True
    DUPLICATE = "duplicate", "weight", duplicate, True
    INDUCTION = "induction", "weight", induction, True
    DISTANCE = "distance", "tokens", distance, True
    NEAR = "near", "weight", near, True
    MASS = "mass", "weight", mass

    def __new__(cls, name: str, unit: str, function: Callable[[Block], Values], positional: bool = False) -> Metric:
        metric = str.__new__(cls, name)
        metric._value_ = name
        metric.unit, metric.function, metric.positional = unit, function, positional
        return metric
