"""All mistakes stand in one place."""

from attnviz.analysis.diagnosis.registry import STATISTICAL, entries, names

GIVEN = [
    "scale-missing",
    "scale-value",
    "exp2",
    "causal-missing",
    "causal-extra",
    "causal-top-left",
    "causal-bottom-right",
    "causal-hides-self",
    "causal-leaks-next",
    "groups-tiled",
    "groups-first",
    "mask-inverted",
    "mask-missing",
    "mask-added",
    "mask-after-softmax",
    "mask-zero-scores",
    "window-off-by-one",
    "window-missing",
    "softcap-missing",
    "softcap-before-scale",
    "sinks-missing",
    "bias-missing",
    "bias-negated",
    "bias-scaled",
    "heads-not-transposed-in",
    "heads-not-transposed-out",
    "heads-reversed",
    "key-value-swapped",
    "query-key-swapped",
    "keys-shifted",
    "rope-interleaved",
    "rope-missing",
    "rope-offset",
    "softmax-over-queries",
    "softmax-over-heads",
    "not-normalised",
    "overflow",
    "hidden-rows-nan",
    "tile-lost",
    "tile-not-rescaled",
    "rounded",
    "dropout",
]


def test_the_names_that_were_promised_are_there():
    assert set(GIVEN) <= set(names())


def test_each_name_is_one_entry():
    assert len(set(names())) == len(names()) == len(entries()) + len(STATISTICAL)
