"""How the tiny model is trained: how long, from how much text, and what counts how much."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from attnviz.sources.tiny.prices import Prices


@dataclass(frozen=True)
class Plan:
    """How the model is trained.

    seed         of the first weights and of all sentences
    learning     the most steps, each with ``windows`` texts of ``length`` tokens, until the model knows its answers
    known        the share of each role's answers that are right from which on it does
    parting      the steps after that, in which the heads are parted (prices.py)
    rate         the learning rate, after ``warm_up`` steps; in the second half of the parting it falls to 0 in half a cosine
    other_words  what a word that answers no question counts in the loss, beside one that does
    deeds        what the deed of a verb's subject counts, until the heads are parted; then less and less. It takes more than the
                 subject's number, so the head that passes it on has to read the subject itself
    renewed      the steps after which ``sentences`` new ones are drawn
    left_alone   whether nothing parts the heads, for comparison: they then share the work
    """

    seed: int = 0
    learning: int = 3000
    known: float = 0.96
    parting: int = 3500
    windows: int = 32
    length: int = 48
    rate: float = 2e-3
    warm_up: int = 200
    other_words: float = 0.2
    deeds: float = 0.02
    renewed: int = 500
    sentences: int = 20000
    left_alone: bool = False
    prices: Prices = field(default_factory=Prices)

    @classmethod
    def of(cls, seed: int, steps: int | None = None, left_alone: bool = False) -> Plan:
        """The plan of a person who says no more than this; ``steps`` are at most so many of each part."""
        plan = cls(seed=seed) if steps is None else cls(seed=seed, learning=steps, parting=steps)
        return replace(plan, left_alone=True, deeds=0.0, prices=Prices(0, 0, 0, 0)) if left_alone else plan
