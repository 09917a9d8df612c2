"""Contributions written out from the papers in torch, vector by vector, to hold attnviz's against."""

from __future__ import annotations

import math

import numpy
import torch

from attnviz.trace.layer import Layer
from attnviz.trace.projection import Projection


def doubles(array) -> torch.Tensor:
    return torch.as_tensor(numpy.asarray(array)).double()


def vectors(layer: Layer) -> torch.Tensor:
    """α_ij · f(x_j) of each head, f(x_j) = (x_j W_V + b_V) W_O: Kobayashi et al. 2020, 2004.10102, equations 5 to 7.

    (heads, queries, keys, d_out); ``value`` already is x_j W_V + b_V.
    """
    weights = doubles(layer.steps().weights)
    value, output = doubles(layer.value), doubles(layer.projections["output"].weight)
    width = value.shape[-1]
    found = []
    for head in range(layer.heads):
        transformed = value[head // layer.group] @ output[head * width : (head + 1) * width]  # (keys, d_out)
        found.append(
            torch.stack([torch.outer(row, torch.ones(transformed.shape[1])) * transformed for row in weights[head]])
        )
    return torch.stack(found)


def norms(layer: Layer) -> numpy.ndarray:
    """‖α_ij f(x_j)‖ of each head, (heads, queries, keys)."""
    return torch.linalg.vector_norm(vectors(layer), dim=-1).numpy()


def with_output(layer: Layer, width: int = 5, seed: int = 0, bias: bool = True) -> Layer:
    """``layer`` with a drawn W_O."""
    from dataclasses import replace

    draw = numpy.random.default_rng(seed).standard_normal
    inner = layer.heads * layer.value.shape[-1]
    projection = Projection(draw((inner, width)) / math.sqrt(inner), draw(width) if bias else None)
    return replace(layer, projections=dict(layer.projections) | {"output": projection})


def summed_norms(layer: Layer) -> numpy.ndarray:
    """‖Σ_h α_ij f(x_j)‖: the vectors of all heads added up first, (queries, keys)."""
    return torch.linalg.vector_norm(vectors(layer).sum(dim=0), dim=-1).numpy()
