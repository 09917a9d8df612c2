"""Modules of other libraries that compute attention in ways of their own, each small, and what a recording keeps of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch

_defined: list[torch.library.Library] = []  # a library's operators go when it does


class Foreign(NamedTuple):
    """A module of another library.

    build   makes it
    given   what it is called with
    alone   the reason why only the weights of some of its layers are kept, or "" where all is
    """

    build: Callable[[], torch.nn.Module]
    given: tuple[Any, ...]
    alone: str = ""


def let_torchvision_load() -> None:
    """Beside another torch than it was built for, torchvision's binary does not load: its operators are defined, and are empty."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        _define_operators()


def _define_operators() -> None:
    spec = find_spec("torchvision")
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).with_name("_meta_registrations.py").read_text()
    library = torch.library.Library("torchvision", "DEF")
    for name in sorted(set(re.findall(r'(?:register_fake\("torchvision::|register_meta\(")(\w+)"', text))):
        library.define(f"{name}(Tensor x) -> Tensor")
    _defined.append(library)


def image(size: int) -> tuple[torch.Tensor]:
    return (torch.randn(1, 3, size, size),)


def ids(count: int = 16) -> tuple[torch.Tensor]:
    return (torch.randint(4, 20, (2, count)),)


def timm(name: str, **options: Any) -> Callable[[], torch.nn.Module]:
    def build() -> torch.nn.Module:
        let_torchvision_load()
        from timm import create_model

        return create_model(name, **options)

    return build


def x_transformer(**options: Any) -> Callable[[], torch.nn.Module]:
    def build() -> torch.nn.Module:
        from x_transformers import Decoder, TransformerWrapper

        layers = Decoder(dim=32, depth=2, heads=4, attn_dim_head=8, **options)
        return TransformerWrapper(num_tokens=20, max_seq_len=16, attn_layers=layers)

    return build


def esm() -> torch.nn.Module:
    from esm import ESM2, Alphabet

    return ESM2(num_layers=2, embed_dim=32, attention_heads=4, alphabet=Alphabet.from_architecture("ESM-1b"))


def linformer() -> torch.nn.Module:
    from linformer import LinformerSelfAttention

    return LinformerSelfAttention(32, 16, heads=4, k=8)


def perceiver() -> torch.nn.Module:
    from perceiver_pytorch import Perceiver

    return Perceiver(
        input_channels=3, input_axis=2, num_freq_bands=2, max_freq=4.0, depth=2, num_latents=8, latent_dim=16
    )


def axial() -> torch.nn.Module:
    from axial_attention import AxialAttention

    return AxialAttention(dim=32, dim_index=1, heads=2, num_dimensions=2)


def local() -> torch.nn.Module:
    from local_attention import LocalTransformer

    return LocalTransformer(
        num_tokens=20, dim=32, depth=2, max_seq_len=32, causal=True, local_attn_window_size=8, heads=2
    )


INPUT, MIXED = "depends on the input", "mixed with each other|changed by"
FOREIGN = {
    "timm ViT": Foreign(timm("vit_tiny_patch16_224", depth=2), image(224)),
    "timm Swin": Foreign(timm("swin_tiny_patch4_window7_224", depths=(1, 2, 1, 1)), image(224)),
    "timm Swin v2": Foreign(timm("swinv2_tiny_window8_256", depths=(1, 2, 1, 1)), image(256)),
    "timm EVA02": Foreign(timm("eva02_tiny_patch14_224", depth=2), image(224)),
    "timm BEiT": Foreign(timm("beit_base_patch16_224", depth=2, embed_dim=96, num_heads=4), image(224)),
    "timm ViT with relative positions": Foreign(timm("vit_relpos_small_patch16_224", depth=2), image(224)),
    "timm XCiT": Foreign(timm("xcit_nano_12_p16_224", depth=2), image(224)),
    "timm LeViT": Foreign(timm("levit_128s"), image(224)),
    "timm EdgeNeXt": Foreign(timm("edgenext_xx_small"), image(224)),
    "timm CaiT": Foreign(timm("cait_xxs24_224", depth=2), image(224), MIXED),
    "timm ConViT": Foreign(timm("convit_tiny", depth=2, local_up_to_layer=1), image(224), MIXED),
    "timm MViTv2": Foreign(timm("mvitv2_tiny"), image(224), INPUT),
    "x-transformers": Foreign(x_transformer(), ids()),
    "x-transformers, fused": Foreign(x_transformer(attn_flash=True), ids()),
    "x-transformers, rotary": Foreign(x_transformer(rotary_pos_emb=True), ids()),
    "x-transformers, biases": Foreign(x_transformer(rel_pos_bias=True), ids()),
    "x-transformers, ALiBi": Foreign(x_transformer(alibi_pos_bias=True, alibi_num_heads=4), ids()),
    "x-transformers, cosines": Foreign(x_transformer(attn_qk_norm=True), ids()),
    "x-transformers, the largest scores": Foreign(x_transformer(attn_sparse_topk=4), ids()),
    "x-transformers, memories": Foreign(x_transformer(attn_num_mem_kv=4), ids()),
    "x-transformers, one key head": Foreign(x_transformer(attn_one_kv_head=True), ids()),
    "x-transformers, TorchScript inside": Foreign(
        x_transformer(attn_softclamp_logits=True), ids(), "no product of two"
    ),
    "fair-esm": Foreign(esm, ids()),
    "linformer": Foreign(linformer, (torch.randn(2, 16, 32),)),
    "perceiver-pytorch": Foreign(perceiver, (torch.randn(2, 6, 6, 3),)),
    "axial-attention": Foreign(axial, (torch.randn(2, 32, 6, 7),)),
    "local-attention": Foreign(local, ids(32)),
}
