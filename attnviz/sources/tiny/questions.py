"""The questions by which roles are found: fresh sentences of the tiny model's grammar, with words it has never seen."""

from __future__ import annotations

from collections.abc import Sequence

from attnviz.sources.tiny.answers import Answers
from attnviz.sources.tiny.grammar import Grammar
from attnviz.sources.tiny.model import TinyModel
from attnviz.trace.asking import ROLES, Case, Questions

MADE_UP = 0.3  # of the nouns: made-up words, as many as in training, but others
BEFORE = {"position": 1}  # other sentences before the question: two words alone are no new text, and hold no other word

EXAMPLES = {
    "position": Case("position", ("we", "learn", "word", "by"), "word", 2, ("we", "learn", "step", "by"), "step", True),
    "syntax": Case(
        "syntax",
        ("the", "dogs", "near", "the", "old", "tree"),
        "are",
        1,
        ("the", "dog", "near", "the", "old", "tree"),
        "is",
        True,
    ),
    "meaning": Case(
        "meaning",
        ("the", "queen", "met", "the", "actor", ".", "she"),
        "rules",
        1,
        ("the", "woman", "met", "the", "actor", ".", "she"),
        "writes",
        True,
    ),
    "copying": Case(
        "copying",
        ("list", ":", "old", "cup", "river", ";", "old", "cup"),
        "river",
        4,
        ("list", ":", "old", "cup", "star", ";", "old", "cup"),
        "star",
        True,
    ),
}


def drawn_cases(count: int, seed: int, made_up: float = MADE_UP) -> dict[str, list[Case]]:
    """``count`` questions of each role, the same ones for the same seed; none of their made-up words is in training."""
    return {
        role: Grammar(f"cases {role} {seed}", made_up, unseen=True).cases(role, count, BEFORE.get(role, 0))
        for role in ROLES
    }


def questions(count: int, seed: int) -> Questions:
    """What a model is asked, ``count`` of each role, and a sentence of each to show."""
    return Questions(drawn_cases(count, seed), EXAMPLES, seed)


class TinyAnswering:
    """The model in the package, ready to be asked (trace/asking.py's ``Answering``)."""

    predicts = True

    def __init__(self, model: TinyModel | None = None) -> None:
        self.model = TinyModel.load("float32") if model is None else model
        self.name = self.model.name
        self.shape = (len(self.model.weights.layers), self.model.heads)

    def ask(self, cases: Sequence[Case]) -> Answers:
        """The model's answers to ``cases``."""
        return Answers(self.model, cases)
