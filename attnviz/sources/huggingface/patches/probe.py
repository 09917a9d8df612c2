"""Which cells of a picture reach which tokens: some cells are changed, and the queries and keys that change with them are seen.

No attention runs meanwhile: its output is 0, so nothing of one token gets into another, and what a token shows of the picture is
what it is made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy
import torch

from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.layer_runs import LayerRun, next_number
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.running import running
from attnviz.sources.huggingface.stopping import Enough
from attnviz.sources.huggingface.switching import watched_by
from attnviz.sources.huggingface.watch import Watch

Place = tuple[str, int]  # the stack and the number of a layer
SEED = 20170612


class Sides(NamedTuple):
    """Of the queries and of the keys of a layer, (tokens,) each."""

    queries: Any
    keys: Any


@dataclass
class ProbeWatch(Watch):
    """Watches what the layers at ``needed`` are given, and stops when it has seen all of them."""

    needed: frozenset[Place] = frozenset()
    seen: dict[Place, Sides] = field(default_factory=dict)

    def attention(self, call: AttentionCall) -> torch.Tensor:
        """Nothing, (batch, queries, heads, d_v)."""
        batch, heads, queries, _ = call.query.shape
        nothing = call.value.new_zeros(batch, queries, heads, call.value.shape[-1])
        address = self._addresses.of(call.module)
        if self.calls.count_interface_call() > 1:
            self._forget(address.path)
            return nothing
        number = next_number(self.runs, address)
        self.runs.append(LayerRun(address.stack, number, address.path))
        if (address.stack, number) in self.needed:
            self.seen[address.stack, number] = Sides(_by_token(call.query), _by_token(call.key))
        if len(self.seen) == len(self.needed):
            raise Enough
        return nothing


class Prober:
    """A model that is asked, again and again, which tokens change when some cells of its first layer do."""

    def __init__(self, watch: ProbeWatch, inputs: Mapping[str, torch.Tensor], random: torch.Tensor) -> None:
        self.watch, self.inputs, self.random = watch, inputs, random
        self._cells: torch.Tensor | None = None
        self._base = self._run()

    def changed(self, cells: numpy.ndarray) -> dict[Place, Sides]:
        """For each layer, which of its queries and keys change where these ``cells``, a truth each, are changed."""
        self._cells = torch.from_numpy(cells)
        found = self._run()
        return {
            place: Sides(*(_differ(*both) for both in zip(self._base[place], sides, strict=True)))
            for place, sides in found.items()
        }

    def change(self, layer: torch.nn.Module, _: Any, output: torch.Tensor) -> torch.Tensor:
        """What ``layer`` puts out, and in its changed cells something else."""
        if self._cells is None:
            return output
        channels = output.shape[-1] if isinstance(layer, torch.nn.Linear) else output.shape[1]
        noise = torch.randn(channels, generator=torch.Generator().manual_seed(SEED)) * max(float(output.std()), 1e-3)
        noise = noise.to(output)
        if isinstance(layer, torch.nn.Linear):
            return output + self._cells.reshape(*output.shape[:-1], 1).to(output) * noise
        cells = self._cells.reshape(output.shape[0], 1, *output.shape[2:]).to(output)
        return output + cells * noise.reshape(-1, *(1,) * (output.ndim - 2))

    def _run(self) -> dict[Place, Sides]:
        """One pass, with the same chance as the others; what it gives the layers."""
        self.watch.runs.clear()
        self.watch.seen = {}
        with torch.random.fork_rng():
            torch.set_rng_state(self.random)
            with suppress(Enough):
                self.watch.model(**self.inputs)
        return self.watch.seen


@contextmanager
def probing(
    model: Model,
    inputs: Mapping[str, torch.Tensor],
    layer: torch.nn.Module,
    needed: frozenset[Place],
    random: torch.Tensor,
) -> Iterator[Prober]:
    """A prober of ``model`` as it reads ``inputs``, whose cells are what ``layer`` puts out; ``needed`` are the layers that are
    looked at, and ``random`` the state of chance in which they ran."""
    with watched_by(ProbeWatch(model.model, needed=needed)) as watch, running(model):
        prober = Prober(watch, inputs, random)
        hook = layer.register_forward_hook(prober.change)
        try:
            yield prober
        finally:
            hook.remove()


def _by_token(array: torch.Tensor) -> torch.Tensor:
    """(texts, heads, tokens, d) → (tokens of all texts, heads · d)."""
    return array.transpose(1, 2).flatten(2).flatten(0, 1)


def _differ(one: torch.Tensor, other: torch.Tensor) -> numpy.ndarray:
    """Which tokens differ, (tokens,)."""
    differ: numpy.ndarray = (one != other).any(dim=-1).cpu().numpy()
    return differ
