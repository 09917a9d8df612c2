"""What a page holds of contributions: what its script multiplies weights with (trace/contribution.py says what they are).

That is one number for each key, since no vector depends on the query: the length of what the value becomes behind W_O, or how
far it goes along a direction. Along a direction that is another for each query, it is that direction, pulled back through W_O.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.attention.arrays import as_array, is_torch, to_numpy
from attnviz.renderers.page.digits import Errors, farthest
from attnviz.renderers.page.forms import Form, single
from attnviz.renderers.page.selected import vectors_by_head
from attnviz.renderers.page.short import shortened
from attnviz.renderers.shared.labels import name
from attnviz.trace.contribution import HeadContribution, is_known, is_unprojected
from attnviz.trace.fields import with_arrays
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection

Arrays = dict[str, numpy.ndarray]


def carried_arrays(selected: LayerSelection, form: Form) -> tuple[Arrays, Arrays]:
    """What weights of the selected heads are multiplied with, by the names that the page's script reads: as the page holds it,
    and as the script reads that. Nothing where W_O is not known.

    factors   (heads, keys): ‖v_j W_O^h‖, or v_j W_O^h · u with its sign
    divisors  (queries,): what each query's factors are divided by, where the direction is the logit of a token
    pulled    (heads, queries, d_v): u_i W_O^hᵀ, where the direction is another for each query
    """
    if not is_known(selected.layer):
        return {}, {}
    own = _own(selected)
    if form is Form.SHORT and "pulled" in own:
        short = shortened(own["pulled"])
        return short.named("pulled"), {"pulled": short.numbers}
    held = own if form is Form.EXACT else {name: single(array) for name, array in own.items()}
    return held, held


def carried_facts(selected: LayerSelection) -> dict[str, Any]:
    """What the page says of a layer's contributions beside their numbers: along what, and whether there is no W_O."""
    layer = selected.layer
    if not is_known(layer):
        return {}
    toward = None if layer.toward is None else name(layer.toward.token)
    return {"toward": toward, "unprojected": is_unprojected(layer)}


def with_carried(errors: Errors, selected: LayerSelection, rounded: Arrays, read: Arrays, cells: int = CELLS) -> Errors:
    """``errors`` and those of the contributions, where ``rounded`` stands for query, key and value, and the script ``read``s
    these factors.

    α f − α′ f′ = (α − α′) f + α′ (f − f′), and no weight is above 1.
    """
    if not read:
        return errors
    own = _own(selected)
    if "pulled" in own:
        values, ours = vectors_by_head(selected)[2], vectors_by_head(selected, rounded)[2]
        nothing = numpy.zeros_like
        largest = farthest((own["pulled"], values), (nothing(own["pulled"]), nothing(values)), cells)
        apart = farthest((own["pulled"], values), (read["pulled"].astype(values.dtype), ours), cells)
    else:
        divisor = float(numpy.abs(own["divisors"]).min()) if "divisors" in own else 1.0
        largest = float(numpy.abs(own["factors"]).max()) / divisor
        apart = float(numpy.abs(own["factors"] - read["factors"]).max()) / divisor
    return errors._replace(contribution=errors.weights * largest + apart, carried=apart)


def _own(selected: LayerSelection) -> Arrays:
    """The arrays of ``carried_arrays`` in the numbers in which contributions are computed; by NumPy, so that a page is the same
    whatever holds its trace."""
    layer = in_numpy(selected.layer)
    toward = layer.toward
    if toward is not None and toward.turns:
        return {"pulled": numpy.stack([to_numpy(HeadContribution(layer, head).pulled) for head in selected.heads])}
    divisors = {}
    if toward is not None and toward.divisors is not None:
        divisors = {"divisors": to_numpy(as_array(toward.divisors, "divisors")).astype(float)}
        layer = replace(layer, toward=replace(toward, divisors=None))
    factors = [to_numpy(HeadContribution(layer, head).factors()).reshape(-1) for head in selected.heads]
    return {"factors": numpy.stack(factors)} | divisors


def in_numpy(layer: Layer) -> Layer:
    """``layer`` with its arrays in NumPy."""
    return with_arrays(layer, _numpy) if is_torch(layer.value) else layer


def _numpy(array: Any) -> Any:
    return None if array is None else to_numpy(array)
