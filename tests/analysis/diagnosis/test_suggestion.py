"""The smallest input that tells explanations apart."""

import numpy
from diagnosed import evidence_of
from planted_attention import attention, problem

from attnviz.analysis.diagnosis.registry import entries
from attnviz.analysis.diagnosis.search import Explanation, Named
from attnviz.analysis.diagnosis.suggestion import suggestion

NOTHING = dict.fromkeys(("mask", "bias", "sinks", "softcap", "window", "rope", "cache", "scale"), False)


def explained(*names):
    return [Explanation((Named(name, value),), None, None, None, 0.0, 0.0, False) for name, value in names]


def meant(**options):
    one = problem(numpy.random.default_rng(1), **NOTHING | options)
    assert entries()
    return evidence_of(one, attention(one)).meant


def test_groups_need_two_key_heads_and_more_heads():
    found = suggestion(meant(causal=True, groups=True), explained(("groups-tiled", None), ("groups-first", None)))
    assert (found.heads, found.key_heads) == (4, 2)


def test_everything_that_was_meant_is_kept_in_it():
    options = {"mask": True, "bias": True, "sinks": True, "softcap": True, "window": True, "rope": True, "causal": True}
    names = (("softcap-value", 2.0), ("bias-negated", None), ("rope-missing", None))
    assert suggestion(meant(**options), explained(*names)) is not None


def test_where_two_are_always_the_same_there_is_none():
    """Of all keys, values one behind and keys one ahead."""
    names = (("values-shifted", None), ("keys-shifted", None))
    assert suggestion(meant(causal=False), explained(*names)) is None
