"""The W_O of each attention that is recorded, whichever function of torch its linear map is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import torch

from attnviz.sources.recording.grouping import Grouping, grouping
from attnviz.sources.recording.output_projection import UNDER_WAY, LinearMap, OutputProjections
from attnviz.trace.projection import Projection

MAPS = {"linear", "addmm", "matmul", "__matmul__", "mm"}


class RecordedProjections:
    """W_O by the number of its attention.

    A module reads the outputs of a batch item by item, or (where the tokens come first) token by token: both are looked for.

    regroup  is told of an attention whose items and heads are others than they were taken for
    """

    def __init__(self, regroup: Callable[[int, Grouping], None]) -> None:
        self._regroup = regroup
        self._found = OutputProjections()
        self._ungrouped: deque[tuple[int, torch.Tensor, bool]] = deque(maxlen=UNDER_WAY)
        self._copies: dict[int, Projection] = {}

    def leave(self, number: int, output: torch.Tensor) -> None:
        """The attention of a ``number`` has computed ``output``, (items, heads, queries, d_v)."""
        self._ungrouped.append((number, output.detach(), True))
        self._leave(number, output)

    def leave_ungrouped(self, number: int, output: torch.Tensor) -> None:
        """The same of one whose W_O is of no use, since its weights alone are kept."""
        self._ungrouped.append((number, output.detach(), False))

    def _leave(self, number: int, output: torch.Tensor) -> None:
        self._found.leave((number, "items"), output.permute(0, 2, 1, 3))
        if output.shape[0] > 1:
            self._found.leave((number, "tokens"), output.permute(2, 0, 1, 3))

    def saw(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        """A function of torch was called; it may be a linear map."""
        if name not in MAPS or torch._C._functorch.is_functorch_wrapped_tensor(result):
            return  # inside torch.func, whose tensors are gone when it ends
        linear = linear_map(name, args, kwargs, result)
        if linear is None or self._found.pass_through(linear):
            return
        if self._is_regrouped(linear.given):
            self._found.pass_through(linear)

    def _is_regrouped(self, given: torch.Tensor) -> bool:
        """Whether what a linear map is ``given`` says that an attention's items and heads are others."""
        for place, (number, output, is_whole) in enumerate(self._ungrouped):
            found = grouping(output, given)
            if found is not None:
                del self._ungrouped[place]
                self._regroup(number, found)
                if is_whole:
                    self._leave(number, found.of(output))
                return True
        return False

    def end(self) -> None:
        """The recording has ended: what was found is copied, since the module may be trained, or moved."""
        self._found.end()
        self._ungrouped.clear()
        made: dict[tuple[Any, ...], Projection] = {}
        for place, projection in self._found.found.items():
            assert isinstance(place, tuple)
            address = (projection.weight.data_ptr(), projection.weight.stride())
            if address not in made:
                made[address] = _copied(projection)
            self._copies[place[0]] = made[address]

    def of(self, number: int) -> Mapping[str, Projection]:
        """The projections of an attention, as a Layer has them."""
        found = self._copies.get(number)
        return {} if found is None else {"output": found}


def linear_map(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> LinearMap | None:
    """The linear map by a matrix that a call of torch's function ``name`` is; None where it is none."""
    given = [*args, *kwargs.values()]
    if name == "linear":
        weight, bias = given[1].mT, kwargs.get("bias", args[2] if len(args) > 2 else None)
        return LinearMap(args[0], weight, bias, result) if args and weight.ndim == 2 else None
    if name == "addmm":
        return LinearMap(given[1], given[2], given[0], result) if given[0].ndim == 1 and len(given) == 3 else None
    both = [one for one in given[:2] if isinstance(one, torch.Tensor)]
    if len(both) < 2 or both[1].ndim != 2 or both[0].ndim < 2:
        return None
    return LinearMap(both[0], both[1], None, result)


def _copied(projection: Projection) -> Projection:
    with torch.inference_mode(False):
        return Projection(*(None if one is None else one.to("cpu", copy=True) for one in vars(projection).values()))
