"""What the chapters compute: a module for each, a function for each block. ``CHAPTERS`` names all of them."""

from __future__ import annotations

from collections.abc import Mapping

from attnviz.renderers.course.computed import (
    causal,
    dot_product,
    heads,
    own_model,
    roles,
    scaling,
    self_attention,
    softmax,
    weighted_sum,
)
from attnviz.renderers.course.pieces import Block

# The name of a chapter's file → the names of its computed blocks.
CHAPTERS: Mapping[str, Mapping[str, Block]] = {
    "dot-product": {
        "worked": dot_product.worked,
        "vectors": dot_product.vectors,
        "question": dot_product.question,
        "against": dot_product.against,
    },
    "scaling": {
        "drawn": scaling.drawn,
        "spread": scaling.spread,
        "sentence": scaling.sentence,
        "question": scaling.question,
        "largest": scaling.largest,
    },
    "softmax": {
        "row": softmax.row,
        "changed": softmax.changed,
        "question": softmax.question,
        "equal": softmax.equal,
    },
    "weighted-sum": {
        "terms": weighted_sum.terms,
        "changed": weighted_sum.changed,
        "question": weighted_sum.question,
        "only": weighted_sum.only,
    },
    "self-attention": {
        "textbook-scores": self_attention.scores,
        "textbook-output": self_attention.output,
        "printed": self_attention.printed,
        "question": self_attention.question,
        "weights": self_attention.weights,
    },
    "causal-attention": {
        "masked": causal.masked,
        "weights": causal.weights,
        "question": causal.question,
        "changed": causal.changed,
        "written": causal.written,
    },
    "heads": {
        "weights": heads.weights,
        "concat": heads.concat,
        "question": heads.question,
        "without": heads.without,
    },
    "roles": {
        "found": roles.found,
        "offset": roles.offset,
        "question": roles.question,
        "without": roles.without,
    },
    "your-own-model": {
        "question": own_model.question,
        "previous": own_model.previous,
        "proof": own_model.proof,
    },
}
