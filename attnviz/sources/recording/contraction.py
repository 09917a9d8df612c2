"""Products of two tensors, however they are written: as (batch, rows, inner) times (batch, columns, inner)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_letters
from typing import Any, NamedTuple

import torch

MATMUL = {"matmul", "__matmul__", "__rmatmul__", "bmm", "mm"}
WITH_ADDEND = {"baddbmm", "addmm"}
PRODUCTS = MATMUL | WITH_ADDEND | {"einsum", "linear"}


class Places(NamedTuple):
    """Where each number of a product stands in it: its batch, its row and its column, int32 in the product's own layout."""

    batch: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor


@dataclass(frozen=True, eq=False)
class Contraction:
    """A product of ``left`` and ``right`` by the letters of an einsum, each size a letter's.

    addend  what is added to it, or None; alpha, what it is multiplied with before that (baddbmm)
    """

    left: torch.Tensor
    right: torch.Tensor
    letters: tuple[str, str, str]
    addend: Any = None
    alpha: float = 1.0

    @property
    def sizes(self) -> dict[str, int]:
        """How many each letter counts."""
        left, right, _ = self.letters
        return dict(zip(left + right, (*self.left.shape, *self.right.shape), strict=True))

    @property
    def groups(self) -> tuple[str, str, str, str]:
        """The letters of the batch, of the rows, of the columns, and those that are summed over."""
        left, right, result = self.letters
        return (
            "".join(one for one in result if one in left and one in right),
            "".join(one for one in result if one not in right),
            "".join(one for one in result if one not in left),
            "".join(one for one in left if one in right and one not in result),
        )

    def left_rows(self, array: torch.Tensor) -> torch.Tensor:
        """What lies as ``left`` does, as (batch, rows, inner)."""
        batch, rows, _, inner = self.groups
        return self._grouped(array, self.letters[0], (batch, rows, inner))

    def right_rows(self, array: torch.Tensor) -> torch.Tensor:
        """What lies as ``right`` does, as (batch, columns, inner)."""
        batch, _, columns, inner = self.groups
        return self._grouped(array, self.letters[1], (batch, columns, inner))

    def result_rows(self, array: torch.Tensor) -> torch.Tensor:
        """What lies as the product does, as (batch, rows, columns)."""
        return self._grouped(array, self.letters[2], self.groups[:3])

    def places(self) -> Places:
        """Where each number of the product stands in it; views that take no memory of its size."""
        sizes, result = self.sizes, self.letters[2]
        return Places(*(_counted(group, result, sizes, self.left.device) for group in self.groups[:3]))

    def _grouped(self, array: torch.Tensor, letters: str, groups: Sequence[str]) -> torch.Tensor:
        sizes = self.sizes
        ordered = array.permute([letters.index(one) for group in groups for one in group])
        return ordered.reshape([math.prod(sizes[one] for one in group) for group in groups])


def contraction(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Contraction | None:
    """The product that a call of torch's function ``name`` is; None where it is none of two tensors with a sum over an axis."""
    if name == "einsum":
        found = _einsum(args)
    elif name in WITH_ADDEND:
        found = _with_addend(args, kwargs)
    elif name == "linear":
        found = _linear(args, kwargs)
    else:
        found = _matmul(*_operands(name, args, kwargs))
    return found if found is not None and _is_attention_like(found) else None


def _is_attention_like(product: Contraction) -> bool:
    """Whether there is a sum over an axis, and rows and columns. Of the two one may be missing where each item has a single row: of
    two axes that both have, nothing says which are heads and which are queries with keys of their own."""
    batch, rows, columns, inner = product.groups
    return bool(inner) and (bool(rows and columns) or (bool(rows or columns) and len(batch) == 1))


def _operands(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
    both = [*args, *(kwargs[one] for one in ("input", "other", "mat2", "tensor2") if one in kwargs)][:2]
    left, right = both
    return (right, left) if name == "__rmatmul__" else (left, right)


def _matmul(left: Any, right: Any) -> Contraction | None:
    """left @ right, whose batches broadcast."""
    if min(left.ndim, right.ndim) < 2:
        return None
    batch = torch.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    letters = ascii_letters[3 : 3 + len(batch)]
    left, right = (one.expand(*batch, *one.shape[-2:]) for one in (left, right))
    return Contraction(left, right, (f"{letters}ab", f"{letters}bc", f"{letters}ac"))


def _with_addend(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Contraction | None:
    """beta · addend + alpha · left @ right."""
    names = ("batch1", "batch2", "mat1", "mat2")
    addend, left, right = [*args, *(kwargs[one] for one in ("input", *names) if one in kwargs)][:3]
    found = _matmul(left, right)
    beta, alpha = kwargs.get("beta", 1), kwargs.get("alpha", 1)
    if found is None:
        return None
    return Contraction(found.left, found.right, found.letters, None if beta == 0 else addend * beta, float(alpha))


def _linear(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Contraction | None:
    """input @ weightᵀ of a weight that is no parameter: some code multiplies keys so."""
    left, right, bias = [*args, *(kwargs[one] for one in ("input", "weight", "bias") if one in kwargs), None][:3]
    if bias is not None or isinstance(right, torch.nn.Parameter):
        return None
    letters = ascii_letters[3 : 2 + left.ndim]
    return Contraction(left, right, (f"{letters}b", "cb", f"{letters}c"))


def _einsum(args: Sequence[Any]) -> Contraction | None:
    """An einsum of two tensors by letters; an ellipsis becomes letters of its own."""
    equation, *operands = args
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = list(operands[0])
    if not isinstance(equation, str) or len(operands) != 2:
        return None
    terms, arrow, result = equation.replace(" ", "").partition("->")
    inputs = terms.split(",")
    left, right = (_spelled(term, array.ndim) for term, array in zip(inputs, operands, strict=True))
    dots = max(left.count("."), right.count("."))
    result = result.replace("...", "." * dots) if arrow else _implied(left, right, dots)
    spare = [one for one in ascii_letters if one not in terms][:dots]
    left, right, result = (_without_dots(one, spare) for one in (left, right, result))
    if any(len(set(one)) < len(one) for one in (left, right, result)) or not set(left + right) >= set(result):
        return None
    found = _same_sizes(operands, left, right, result)
    alone = set(left) ^ set(right)
    return None if found is None or alone - set(result) else found


def _spelled(term: str, axes: int) -> str:
    """The letters of a term, a dot for each axis that its ellipsis stands for."""
    return term.replace("...", "." * (axes - len(term.replace("...", ""))))


def _implied(left: str, right: str, dots: int) -> str:
    """What an einsum without an arrow yields: the letters that stand once, in the alphabet's order."""
    both = (left + right).replace(".", "")
    return "." * dots + "".join(sorted(one for one in both if both.count(one) == 1))


def _without_dots(letters: str, spare: Sequence[str]) -> str:
    """Dots as letters, aligned at their right, as broadcasting does."""
    own = spare[len(spare) - letters.count(".") :] if letters.count(".") else []
    for one in own:
        letters = letters.replace(".", one, 1)
    return letters


def _same_sizes(operands: Sequence[torch.Tensor], left: str, right: str, result: str) -> Contraction | None:
    """The contraction, an axis of size 1 spread to the size that its letter has in the other operand."""
    sizes: dict[str, int] = {}
    for letters, array in zip((left, right), operands, strict=True):
        for one, size in zip(letters, array.shape, strict=True):
            sizes[one] = max(size, sizes.get(one, 1))
    wide = [
        array.expand([sizes[one] for one in letters]) for letters, array in zip((left, right), operands, strict=True)
    ]
    return Contraction(wide[0], wide[1], (left, right, result))


def _counted(group: str, result: str, sizes: Mapping[str, int], device: torch.device) -> torch.Tensor:
    """The number of each place along the letters of ``group``, in the layout of ``result``."""
    count = math.prod(sizes[one] for one in group)
    labels = torch.arange(count, dtype=torch.int32, device=device).reshape([sizes[one] for one in group])
    own = [one for one in result if one in group]
    labels = labels.permute([group.index(one) for one in own])
    shaped = labels.reshape([sizes[one] if one in group else 1 for one in result])
    return shaped.expand([sizes[one] for one in result])
