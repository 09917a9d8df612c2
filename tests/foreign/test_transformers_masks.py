"""transformers' mask utilities: the cells that they let a query see are those of the rule that means the same."""

from __future__ import annotations

import itertools
from typing import Any

import numpy
import pytest
from foreign_suites import Suite, library
from numpy.testing import assert_array_equal

from attnviz import Rule, attend
from attnviz.attention.visibility import Visibility

LENGTHS = tuple((queries, past) for queries in (1, 4, 9) for past in (0, 1, 5))  # new tokens, tokens in the cache
WINDOWS = (1, 3, 20)
PADDED = (None, 0, 2)  # how many keys on the left are padding


def seen_by(rule: Rule, queries: int, keys: int) -> numpy.ndarray:
    """The cells that ``rule`` lets be seen, (queries, keys): by the one function that decides it, and by attend()."""
    block = Visibility.of(rule, queries, keys, rule.mask).block(slice(0, queries), slice(0, keys), numpy, None)
    cells = numpy.ones((queries, keys), bool) if block is None else numpy.broadcast_to(block, (queries, keys))
    steps = attend(numpy.ones((queries, 2)), numpy.ones((keys, 2)), numpy.ones((keys, 2)), **vars(rule))
    assert_array_equal(~steps.hidden, cells)
    return cells


def padding(keys: int, padded: int | None) -> numpy.ndarray | None:
    return None if padded is None else numpy.arange(keys) >= padded


def patterns(masks: Any) -> dict[str, tuple[Any, dict[str, Any]]]:
    """transformers' function of each pattern, and the rule that means the same."""
    found = {"causal": (masks.causal_mask_function, {"causal": True}), "all": (masks.bidirectional_mask_function, {})}
    for window in WINDOWS:
        found[f"window of {window}"] = (
            masks.sliding_window_causal_mask_function(window),
            {"causal": True, "window": window},
        )
        # told how far it reaches, where ours counts the query itself, too
        both = masks.sliding_window_bidirectional_mask_function(window)
        found[f"window of {window} on both sides"] = both, {"window": window + 1}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sdpa", "eager"])
def test_each_pattern_shows_the_cells_of_its_rule(kind):
    import torch

    masks, suite = library("transformers.masking_utils"), Suite("transformers")
    made = {"sdpa": masks.sdpa_mask, "eager": masks.eager_mask}[kind]
    for (queries, past), padded, (name, (function, options)) in itertools.product(
        LENGTHS, PADDED, patterns(masks).items()
    ):
        keys = queries + past
        suite.cases += 1
        if name.endswith("both sides"):
            suite.differs("a window that counts the distance")
        real = padding(keys, padded)
        theirs = made(
            batch_size=1,
            q_length=queries,
            kv_length=keys,
            q_offset=past,
            mask_function=function,
            attention_mask=None if real is None else torch.from_numpy(real)[None],
            **({} if kind == "eager" else {"allow_is_causal_skip": False}),
        )
        theirs = theirs[0, 0].numpy()
        if kind == "eager":  # 0, or the lowest number of the type, which is to be added
            bias = theirs.astype(numpy.float32)
            theirs = theirs == 0
        seen = seen_by(Rule(**options, query_offset=past, mask=real), queries, keys)
        assert_array_equal(theirs, seen, err_msg=f"{name}, {queries} queries after {past}, {padded} padded")
        if kind == "eager" and seen.any(axis=-1).all():
            # Where no row is hidden as a whole, a bias that low hides just what the mask does.
            assert_array_equal(seen_by_bias(bias), seen)
    suite.require(len(LENGTHS) * len(PADDED) * (2 + 2 * len(WINDOWS)), "a window that counts the distance")


def seen_by_bias(bias: numpy.ndarray) -> numpy.ndarray:
    query, key = (numpy.ones((count, 2), numpy.float32) for count in bias.shape)
    return ~attend(query, key, key, bias=bias).hidden


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
@pytest.mark.parametrize("pattern", ["causal", "window", "both sides"])
@pytest.mark.parametrize("padded", PADDED)
def test_what_a_model_would_make_is_the_rule(implementation, pattern, padded):
    """The calls that a model makes, from its configuration."""
    import torch

    masks = library("transformers.masking_utils")
    config = library("transformers").MistralConfig(sliding_window=3, hidden_size=8, num_attention_heads=2)
    config._attn_implementation = implementation
    rows, real = torch.zeros(1, 7, 8), padding(7, padded)
    mask = None if real is None else torch.from_numpy(real)[None]
    if pattern == "causal":
        made, rule = (
            masks.create_causal_mask(config, rows, mask, None, allow_is_causal_skip=False),
            Rule(causal=True, mask=real),
        )
    elif pattern == "window":
        made = masks.create_sliding_window_causal_mask(config, rows, mask, None, allow_is_causal_skip=False)
        rule = Rule(causal=True, window=3, mask=real)
    else:
        made = masks.create_bidirectional_sliding_window_mask(config, rows, mask, allow_is_bidirectional_skip=False)
        rule = Rule(window=4, mask=real)
    cells = made[0, 0].numpy() if implementation == "sdpa" else made[0, 0].numpy() == 0
    assert_array_equal(cells, seen_by(rule, 7, 7))


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 3, 7])
def test_chunks_are_no_window_and_come_as_a_mask(size):
    import torch

    masks, suite = library("transformers.masking_utils"), Suite("transformers")
    suite.differs("chunks")
    function = masks.chunked_causal_mask_function(size, torch.zeros(1, dtype=torch.int64))
    chunk = function(0, 0, torch.arange(7)[:, None], torch.arange(7)[None, :]).numpy()
    assert_array_equal(seen_by(Rule(mask=chunk), 7, 7), chunk)
    windows = [numpy.array_equal(seen_by(Rule(causal=True, window=window), 7, 7), chunk) for window in range(1, 8)]
    assert any(windows) == (size in (1, 7))  # alone, or all: between them no window is the same
    suite.require(0, "chunks")
