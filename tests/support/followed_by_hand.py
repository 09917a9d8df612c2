"""Rollout and flow as their paper has them (Abnar & Zuidema 2020, 2005.00928, section 3), written out apart from the package."""

from __future__ import annotations

from collections.abc import Sequence

import networkx
import numpy


def mixed(attention: numpy.ndarray, residual: float = 0.5) -> numpy.ndarray:
    """A = residual · I + (1 − residual) · W, of the mean W of the heads of a layer, (heads, tokens, tokens), its rows made whole."""
    mean = attention.mean(axis=0)
    mean = mean / mean.sum(axis=1, keepdims=True)
    return residual * numpy.eye(len(mean)) + (1 - residual) * mean


def rollout_by_hand(layers: Sequence[numpy.ndarray]) -> numpy.ndarray:
    """Ã(l) = A(l) Ã(l−1), from the first layer up."""
    joint = layers[0]
    for layer in layers[1:]:
        joint = layer @ joint
    return joint


def flow_by_networkx(layers: Sequence[numpy.ndarray]) -> numpy.ndarray:
    """The maximum flow from each token above the last layer to each below the first, (tokens, tokens)."""
    graph, tokens = networkx.DiGraph(), len(layers[0])
    graph.add_nodes_from((level, token) for level in range(len(layers) + 1) for token in range(tokens))
    for level, layer in enumerate(layers):
        for query, key in numpy.argwhere(layer > 0).tolist():
            graph.add_edge((level + 1, query), (level, key), capacity=float(layer[query, key]))
    return numpy.array(
        [
            [networkx.maximum_flow_value(graph, (len(layers), query), (0, key)) for key in range(tokens)]
            for query in range(tokens)
        ]
    )
