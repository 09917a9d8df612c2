"""Products of two tensors are the same however they are written."""

from __future__ import annotations

import pytest
import torch

from attnviz.sources.recording.contraction import contraction

A, B = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 6, 4)
CALLS = {
    "matmul": (("matmul", (A, B.mT), {}), A @ B.mT),
    "method": (("__matmul__", (A, B.mT), {}), A @ B.mT),
    "reversed": (("__rmatmul__", (B.mT, A), {}), A @ B.mT),
    "named": (("matmul", (A,), {"other": B.mT}), A @ B.mT),
    "shared right": (("matmul", (A, B[0, 0].mT), {}), A @ B[0, 0].mT),
    "shared left": (("matmul", (A[:1], B.mT), {}), A[:1] @ B.mT),
    "bmm": (("bmm", (A.flatten(0, 1), B.flatten(0, 1).mT), {}), A.flatten(0, 1) @ B.flatten(0, 1).mT),
    "einsum": (("einsum", ("bhid,bhjd->bhij", A, B), {}), A @ B.mT),
    "einsum of a list": (("einsum", ("b h i d, b h j d -> b h i j", [A, B]), {}), A @ B.mT),
    "einsum, heads behind": (("einsum", ("bhid,bhjd->bijh", A, B), {}), (A @ B.mT).permute(0, 2, 3, 1)),
    "einsum, keys first": (("einsum", ("bhid,bhjd->jihb", A, B), {}), (A @ B.mT).permute(3, 2, 1, 0)),
    "einsum with an ellipsis": (("einsum", ("...id,...jd->...ij", A, B), {}), A @ B.mT),
    "einsum with a shorter ellipsis": (("einsum", ("...id,...jd->...ij", A, B[0]), {}), A @ B[0].mT),
    "einsum without an arrow": (("einsum", ("bhid,bhdj", A, B.mT), {}), torch.einsum("bhid,bhdj", A, B.mT)),
    "einsum of one key head": (("einsum", ("bhid,bjd->bhij", A, B[:, 0]), {}), A @ B[:, :1].mT),
    "einsum with an axis of 1": (("einsum", ("bhid,bhjd->bhij", A, B[:, :1]), {}), A @ B[:, :1].mT),
    "linear": (("linear", (A, B[0, 0]), {}), A @ B[0, 0].mT),
}


@pytest.mark.parametrize("name", CALLS)
def test_its_sides_multiply_to_what_torch_computes(name):
    call, theirs = CALLS[name]
    product = contraction(*call)
    assert product is not None
    left, right = product.left_rows(product.left), product.right_rows(product.right)
    assert torch.allclose(left @ right.mT, product.result_rows(theirs), atol=1e-5)


@pytest.mark.parametrize("name", CALLS)
def test_each_place_knows_its_row_and_its_column(name):
    call, theirs = CALLS[name]
    product = contraction(*call)
    batch, rows, columns = (one.long() for one in product.places())
    left, right = product.left_rows(product.left), product.right_rows(product.right)
    assert batch.shape == theirs.shape
    assert torch.allclose((left[batch, rows] * right[batch, columns]).sum(-1), theirs, atol=1e-5)


def test_baddbmm_has_an_addend_and_a_factor():
    left, right, bias = A.flatten(0, 1), B.flatten(0, 1).mT, torch.randn(5, 6)
    product = contraction("baddbmm", (bias, left, right), {"beta": 2, "alpha": 0.5})
    assert torch.equal(product.addend, bias * 2)
    assert product.alpha == 0.5
    assert contraction("baddbmm", (bias, left, right), {"beta": 0}).addend is None
    assert contraction("addmm", (bias[0], torch.ones(4), left[0]), {}) is None


@pytest.mark.parametrize(
    "call",
    [
        ("matmul", (A, torch.randn(4)), {}),
        ("einsum", ("bhid,bhjd,bhjd->bhij", A, B, B), {}),
        ("einsum", ("bhid,bhje->bhij", A, B), {}),  # sums that belong to one side
        ("einsum", ("bhid,bhjd->bhijd", A, B), {}),  # nothing is summed
        ("einsum", (A, [0, 1, 2, 3], B, [0, 1, 4, 3]), {}),
        ("einsum", ("bhii,bhij->bhij", A[..., :4, :], B[..., :4, :]), {}),
        ("linear", (A, torch.nn.Parameter(B[0, 0])), {}),
        ("linear", (A, B[0, 0], torch.zeros(6)), {}),
    ],
)
def test_what_is_no_product_of_two_tensors_is_none(call):
    assert contraction(*call) is None
