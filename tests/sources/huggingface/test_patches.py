"""Which patch of an image a token is: shown by changing one patch, and seeing which token of the first layer changes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from tiny_models import LAYERS
from transformers import AutoModel, YolosConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from attnviz import trace_model
from attnviz.sources.huggingface.patches import LEADING_TOKENS, PatchGrid, patch_grid

PATCHES = {**LAYERS, "image_size": 32, "patch_size": 8}


def network(kind: str, **options) -> torch.nn.Module:
    torch.manual_seed(0)
    made = AutoModel.from_config(CONFIG_MAPPING[kind](**PATCHES | options)).eval()
    with torch.no_grad():
        for parameter in made.parameters():  # some begin as 0, through which nothing would be seen
            parameter.copy_(0.4 * torch.randn(parameter.shape))
    return made


def image(height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1))


def changed_tokens(model: torch.nn.Module, row: int, column: int) -> tuple[tuple[str, ...], list[int]]:
    """The tokens, and the positions of those whose query in the first layer the patch at row, column changes."""
    pixels = image()
    touched = pixels.clone()
    touched[:, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] += 1
    traces = []
    for given in (pixels, touched):
        torch.manual_seed(2)
        traces.append(trace_model(model, {"pixel_values": given}, layer=0))
    queries = [trace.layers[0].query for trace in traces]
    differ = (queries[0] != queries[1]).any(dim=0).any(dim=-1)  # (tokens,)
    return traces[0].tokens, differ.nonzero().flatten().tolist()


@pytest.mark.parametrize("kind", LEADING_TOKENS)
def test_each_patch_stands_where_its_label_says(kind):
    model = network(kind)
    for row, column in ((0, 0), (0, 1), (1, 0), (3, 2)):
        tokens, places = changed_tokens(model, row, column)
        assert [tokens[place] for place in places] == [f"{row},{column}"]
    leading = LEADING_TOKENS[kind] + getattr(model.config, "num_register_tokens", 0)
    assert tokens[:leading] == ("[CLS]", *(f"[{number}]" for number in range(1, leading)))[:leading]


def test_registers_stand_before_the_patches():
    tokens, places = changed_tokens(network("dinov3_vit", num_register_tokens=3), 2, 1)
    assert tokens[:5] == ("[CLS]", "[1]", "[2]", "[3]", "0,0")
    assert [tokens[place] for place in places] == ["2,1"]


def test_detection_tokens_shift_no_patch():
    torch.manual_seed(0)
    config = YolosConfig(**PATCHES | {"image_size": [32, 32]}, num_detection_tokens=3)
    trace = trace_model(AutoModel.from_config(config).eval(), {"pixel_values": image()})
    assert trace.tokens == tuple(map(str, range(20)))


@pytest.mark.parametrize("ratio", [0.0, 0.75])
def test_shuffled_patches_have_no_coordinates(ratio):
    trace = trace_model(network("vit_mae", mask_ratio=ratio), {"pixel_values": image()})
    assert trace.tokens == tuple(map(str, range(5 if ratio else 17)))


def test_an_image_that_is_no_square_keeps_its_rows():
    trace = trace_model(network("dinov2"), {"pixel_values": image(16, 24)})
    assert trace.tokens == ("[CLS]", "0,0", "0,1", "0,2", "1,0", "1,1", "1,2")


@pytest.mark.parametrize("count", [0, 4, 6, 7])
def test_another_number_of_tokens_has_no_coordinates(count):
    assert PatchGrid(2, 2, 1).labels(5) == ("[CLS]", "0,0", "0,1", "1,0", "1,1")
    assert PatchGrid(2, 2, 1).labels(count) is None


@pytest.mark.parametrize(
    ("facts", "pixels"),
    [
        ({"model_type": "vit", "patch_size": 8}, None),
        ({"model_type": "vit", "patch_size": [8, 8]}, image()),
        ({"model_type": "vit"}, image()),
        ({"model_type": "yolos", "patch_size": 8}, image()),
    ],
)
def test_nothing_is_guessed(facts, pixels):
    assert patch_grid(SimpleNamespace(**facts), pixels) is None
