"""Following a module's tensors from call to call: products, softmaxes, and the products with the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch

from attnviz.sources.recording import words
from attnviz.sources.recording.by_hand import Softmaxed
from attnviz.sources.recording.chain import Call, Chain, with_itself
from attnviz.sources.recording.contraction import PRODUCTS, Contraction, contraction
from attnviz.sources.recording.exponentials import (
    LOGARITHM,
    Exponential,
    LogSoftmax,
    Met,
    Undivided,
    begun,
    went_on,
)
from attnviz.sources.recording.flex import FLEX
from attnviz.sources.recording.fused import SDPA
from attnviz.sources.recording.known import NONE, Known, Labels, tensors_in
from attnviz.text.message import Message


class Taker(Protocol):
    """Who takes what was found."""

    def by_hand(self, chain: Chain, product: Contraction, is_left: bool, result: torch.Tensor) -> None:
        """The weights of ``chain`` met their values in ``product``."""

    def fused(
        self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any, sides: tuple[Labels, Labels]
    ) -> None:
        """Torch computed an attention in one call."""


class Following:
    """Follows the tensors of one thread."""

    def __init__(self, taker: Taker) -> None:
        self.known = Known()
        self.taker = taker

    def saw(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
    ) -> None:
        """Note a call of torch's function ``name``, and what came of it."""
        inputs = [*tensors_in(args), *tensors_in(dict(kwargs))]
        followed = next((one for one in inputs if self.known.chain(one) is not None), None)
        if name in (SDPA, FLEX):
            inputs = inputs[:3]  # where a mask comes from says nothing of what comes out
            sides = self.known.labels(inputs[0]), self.known.labels(inputs[1])
            self.taker.fused(name, args, kwargs, result, sides)
        elif name in PRODUCTS and self._product(name, args, kwargs, result):
            pass
        elif name in words.SOFTMAX | LOGARITHM:
            self._softmax(name, args, kwargs, result)
        elif isinstance(result, torch.Tensor) and self._exponentials(name, args, kwargs, result):
            pass
        elif followed is not None:
            self._goes_on(followed, Call(name, func, args, kwargs), inputs, result)
            if name in words.BESIDE and self._are_scores(followed):
                inputs = [followed]
        if name == "__setitem__":
            self.known.written(args[0], inputs[1:])
        else:
            self.known.made(name, inputs, result)

    def _product(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: torch.Tensor) -> bool:
        """Note a product of two tensors; whether it is one."""
        product = contraction(name, args, kwargs)
        if product is None:
            return False
        sides = [_given(name, args, kwargs, place) for place in (0, 1)]
        labels = self.known.labels(sides[0]), self.known.labels(sides[1])
        for is_left, side in zip((True, False), sides, strict=True):
            chain = self.known.chain(side)
            if chain is not None and isinstance(chain.root, Softmaxed):
                self.taker.by_hand(chain, product, is_left, result)
                return True
            if chain is not None and isinstance(chain.root, Exponential) and not chain.calls:
                self.known.follow(result, Chain(Undivided(chain.root, product, is_left), sides=chain.sides))
                return True
        chain = Chain(product, sides=labels)
        if any(before is not None and before.is_scores for before in map(self.known.chain, sides)):
            chain = chain.spoil(Message("its scores are mixed with each other before the softmax"))
        if product.addend is not None and not chain.spoiled:
            given = self.known.labels_of(tensors_in(args[0]))
            chain = chain.then(Call("add", torch.add, with_itself([result, product.addend], result), {}, None, given))
        self.known.follow(result, chain)
        return True

    def _exponentials(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: torch.Tensor) -> bool:
        """Note a softmax that is written out; whether this is a part of one."""
        chain = self.known.chain(args[0]) if args else None
        first = None if chain is None or chain.spoiled else begun(chain, name, result)
        found = first or went_on(self.known, name, args, kwargs, result)
        if isinstance(found, Met):
            self.taker.by_hand(found.chain, found.product, found.is_left, result)
        elif found is not None:
            self.known.follow(result, found)
        return found is not None

    def _softmax(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: torch.Tensor) -> None:
        scores = args[0] if args else kwargs["input"]
        dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
        if result.ndim < 2 or not isinstance(dim, int):
            return
        chain = self.known.chain(scores)
        if chain is not None and isinstance(chain.root, Softmaxed):
            chain = None
        sides = (NONE, NONE) if chain is None else chain.sides
        if name not in LOGARITHM:
            root: Any = Softmaxed(chain, dim, result)
        elif chain is not None:
            root = LogSoftmax(chain, dim)
        else:
            return
        self.known.follow(result, Chain(root, sides=sides))

    def _are_scores(self, tensor: torch.Tensor) -> bool:
        chain = self.known.chain(tensor)
        return chain is not None and chain.is_scores and not isinstance(chain.root, Softmaxed)

    def _goes_on(self, tensor: torch.Tensor, call: Call, inputs: list[torch.Tensor], result: Any) -> None:
        """Note what was done to a ``tensor`` that is followed."""
        chain = self.known.chain(tensor)
        assert chain is not None
        if call.name in words.SAME:
            self._follow_all(result, lambda _: chain)
        elif call.name in words.DROPOUT:
            self._dropped(chain, call, tensor, result)
        elif call.name in words.CLAMPS:
            self._changed(chain, call, tensor, result)
        elif isinstance(chain.root, Softmaxed):
            self._weights_go_on(chain, call, tensor, inputs, result)
        elif chain.spoiled or isinstance(chain.root, Contraction):
            self._scores_go_on(chain, call, tensor, inputs, result)

    def _scores_go_on(
        self, chain: Chain, call: Call, tensor: torch.Tensor, inputs: list[torch.Tensor], result: Any
    ) -> None:
        others = [one for one in inputs if one is not tensor]
        labels = self.known.labels_of(others)
        if call.name not in words.ON_SCORES:
            self._changed(chain, call, tensor, result)
        elif call.name in words.JOINED and any(map(self.known.chain, others)):
            several = chain.spoil(Message("scores of several products are put together"))
            self._follow_all(result, lambda _: several)
        elif call.name == "__setitem__" and labels & chain.labels:
            spoiled = chain.spoil(Message("something that depends on the input itself is added to the scores"))
            self._follow_all(tensor, lambda _: spoiled)
        elif (
            call.name in words.PLUS | words.MINUS
            and any(_is_whole(one, result) for one in others)
            and labels & chain.labels
        ):
            spoiled = chain.spoil(Message("something that depends on the input itself is added to the scores"))
            self._follow_all(result, lambda _: spoiled)
        else:
            self._then(chain, call, tensor, labels, tensor if call.name == "__setitem__" else result)

    def _weights_go_on(
        self, chain: Chain, call: Call, tensor: torch.Tensor, inputs: list[torch.Tensor], result: Any
    ) -> None:
        if call.name in words.MOVES and len({id(one) for one in inputs if one.is_floating_point()}) == 1:
            self._then(chain, call, tensor, NONE, result)
        else:
            self._changed(chain, call, tensor, result)

    def _then(self, chain: Chain, call: Call, tensor: torch.Tensor, labels: Labels, result: Any) -> None:
        """The chain with one more call, for each of its results."""
        if chain.spoiled:
            self._follow_all(result, lambda _: chain)
            return
        own = Call(call.name, call.func, with_itself(call.args, tensor), call.kwargs, None, labels)
        several = not isinstance(result, torch.Tensor)
        self._follow_all(result, lambda place: chain.then(own._replace(pick=place if several else None)))

    def _dropped(self, chain: Chain, call: Call, tensor: torch.Tensor, result: torch.Tensor) -> None:
        """Dropout that does nothing, or is on."""
        if result is tensor or torch.equal(result, tensor):
            self.known.follow(result, chain)
        elif isinstance(chain.root, Softmaxed):
            self._then(chain, call, tensor, NONE, result)
        else:
            self.known.follow(result, chain.spoil(Message("dropout changes the scores")))

    def _changed(self, chain: Chain, call: Call, tensor: torch.Tensor, result: Any) -> None:
        """A function that has no name in a Rule; if nothing has changed, it does not need one."""
        if not isinstance(result, torch.Tensor) or result.shape != tensor.shape or not result.is_floating_point():
            return
        if result is tensor and isinstance(chain.root, Softmaxed) and chain.root.result is tensor:
            return  # it is compared as it is now
        compared = (isinstance(chain.root, Softmaxed) or call.name in words.CLAMPS) and result is not tensor
        if compared and _is_same(result, tensor):
            self.known.follow(result, chain)
            return
        if isinstance(chain.root, Softmaxed):
            changed = Message("its weights are changed by {name} after the softmax", name=call.name.strip("_"))
            spoiled = Chain(chain.root, chain.calls, chain.spoiled or changed, chain.sides)
        else:
            spoiled = chain.spoil(
                Message("its scores are changed by {name}, which no rule has a name for", name=call.name.strip("_"))
            )
        self.known.follow(result, spoiled)

    def _follow_all(self, result: Any, chain: Callable[[int], Chain]) -> None:
        for place, one in enumerate([result] if isinstance(result, torch.Tensor) else result or ()):
            if isinstance(one, torch.Tensor):
                self.known.follow(one, chain(place))


def _is_same(result: torch.Tensor, tensor: torch.Tensor) -> bool:
    """Whether nothing has changed but what a softmax leaves where a query sees no key."""
    return bool(((result == tensor) | tensor.isnan()).all())


def _is_whole(tensor: torch.Tensor, result: Any) -> bool:
    """Whether ``tensor`` has a number of its own for each of ``result``'s."""
    return isinstance(result, torch.Tensor) and tensor.shape == result.shape and 0 not in tensor.stride()


def _given(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], place: int) -> torch.Tensor:
    """The first or the second tensor of a product as it was given."""
    tensors = list(tensors_in(args)) + list(tensors_in(dict(kwargs)))
    if name in ("baddbmm", "addmm"):
        tensors = tensors[1:]
    if name == "__rmatmul__":
        tensors = tensors[::-1]
    return tensors[place]
