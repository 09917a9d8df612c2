"""Which patch of an image a token is, for the models of which that is known; others get no coordinates, never wrong ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

# Models whose tokens are all patches of the image, row by row, after so many tokens that stand for none ([CLS], …), and
# after their registers (tests/sources/huggingface/test_patches.py shows it for each by changing one patch). Others hold
# further tokens behind the patches (YOLOS), or read some of them in an order of their own (ViTMAE).
LEADING_TOKENS = {
    "aimv2_vision_model": 0,
    "beit": 1,
    "chinese_clip_vision_model": 1,
    "clip_vision_model": 1,
    "deit": 2,  # [CLS] and the distillation token
    "dinov2": 1,
    "dinov2_with_registers": 1,
    "dinov3_vit": 1,
    "dpt": 1,
    "ijepa": 0,
    "pixtral": 0,
    "siglip_vision_model": 0,
    "vit": 1,
    "vit_msn": 1,
}


class PatchGrid(NamedTuple):
    """The rows and columns of an image's patches, and how many tokens stand before them."""

    rows: int
    columns: int
    leading: int

    def labels(self, count: int) -> tuple[str, ...] | None:
        """row,column of each patch, after the tokens that stand for none; None where ``count`` tokens are not these."""
        if count != self.leading + self.rows * self.columns:
            return None
        before = [f"[{number}]" if number else "[CLS]" for number in range(self.leading)]
        return (*before, *(f"{row},{column}" for row in range(self.rows) for column in range(self.columns)))


def patch_grid(config: Any, pixels: torch.Tensor | None) -> PatchGrid | None:
    """How the model that ``config`` describes cuts ``pixels``, (…, height, width); None where that is not known."""
    leading, size = LEADING_TOKENS.get(config.model_type), getattr(config, "patch_size", None)
    if pixels is None or leading is None or not isinstance(size, int):
        return None
    leading += getattr(config, "num_register_tokens", 0)
    return PatchGrid(pixels.shape[-2] // size, pixels.shape[-1] // size, leading)
