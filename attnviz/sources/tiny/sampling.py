"""How the tiny model chooses its next word."""

from __future__ import annotations

import numpy

from attnviz.attention.formula import softmax
from attnviz.trace.written import Sampling


def shares(logits: numpy.ndarray, sampling: Sampling) -> numpy.ndarray:
    """The probability with which each word is drawn, (words,): temperature first, then top-k, then top-p (nucleus sampling:
    Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", 1904.09751), each over what the one before left."""
    scores = logits if sampling.temperature is None else logits / sampling.temperature
    order = numpy.argsort(-scores, kind="stable")[: sampling.top_k]
    probabilities = softmax(scores[order])
    if sampling.top_p is not None:
        likelier = numpy.cumsum(probabilities) - probabilities  # what is likelier than each, together
        probabilities = numpy.where(likelier < sampling.top_p, probabilities, 0.0)
    drawn = numpy.zeros_like(scores)
    drawn[order] = probabilities / probabilities.sum()
    return drawn


def choose(logits: numpy.ndarray, sampling: Sampling, draw: numpy.random.Generator) -> int:
    """The likeliest word, or one that is drawn where ``sampling`` asks for it."""
    if not sampling.draws:
        return int(logits.argmax())
    return int(draw.choice(len(logits), p=shares(logits, sampling)))
