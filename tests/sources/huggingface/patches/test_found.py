"""Where tokens stand in a picture: for each family of models, a patch that is lit up is found where it is, to a pixel."""

from __future__ import annotations

import numpy
import pytest
import seeing_models
import torch
import transformers
from pictured import bright, grid_boxes
from PIL import Image
from seeing_models import look_at_bright, network

from attnviz import trace_model
from attnviz.renderers.on_image.decided import Overlay, decide
from attnviz.renderers.on_image.raster import weight_map
from attnviz.sources.huggingface.model import Model
from attnviz.trace.boxes import picture_size
from attnviz.trace.selection import select

torch.set_num_threads(1)
SIZE = (96, 64)  # of the picture, which is no square; models that want a square see it squeezed
SQUARE = {"size": {"height": 32, "width": 32}}

# For each family, what else its model is made with, and the processor that it is used with.
FAMILIES = {
    "vit": ({}, transformers.ViTImageProcessorPil(**SQUARE)),
    "deit": (
        {},
        transformers.DeiTImageProcessorPil(size={"height": 36, "width": 36}, crop_size={"height": 32, "width": 32}),
    ),
    "beit": (
        {},
        transformers.BeitImageProcessorPil(**SQUARE, crop_size={"height": 32, "width": 32}, do_center_crop=False),
    ),
    "dinov2": (
        {},
        transformers.BitImageProcessorPil(size={"shortest_edge": 40}, crop_size={"height": 32, "width": 48}),
    ),
    "dinov2_with_registers": (
        {"num_register_tokens": 3},
        transformers.BitImageProcessorPil(size={"shortest_edge": 32}, do_center_crop=False),
    ),
    "yolos": (
        {"image_size": [32, 48], "num_detection_tokens": 3},
        transformers.YolosImageProcessorPil(size={"shortest_edge": 32, "longest_edge": 64}),
    ),
    "vit_mae": ({"mask_ratio": 0.5}, transformers.ViTImageProcessorPil(**SQUARE)),
    "clip_vision_model": (
        {},
        transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    ),
    "siglip_vision_model": ({}, transformers.SiglipImageProcessorPil(**SQUARE)),
    "vit_msn": ({}, transformers.ViTImageProcessorPil(**SQUARE)),
    "dpt": ({}, transformers.ViTImageProcessorPil(**SQUARE)),
}


def traced(model, processor, picture, seed=5):
    torch.manual_seed(seed)
    return trace_model(model, picture, tokenizer=processor)


def resized_to(processor, picture):
    """What width and height ``processor`` gives a picture before it crops, by its own settings, and what is cropped there."""
    size = processor.size
    width, height = picture.size
    if "shortest_edge" in size:
        factor = size["shortest_edge"] / min(width, height)
        whole = int(factor * width), int(factor * height)
    else:
        whole = size["width"], size["height"]
    if not getattr(processor, "do_center_crop", False):
        return whole, (0, 0)
    crop = processor.crop_size
    return whole, ((whole[0] - crop["width"]) / 2, (whole[1] - crop["height"]) / 2)


def true_box(processor, picture, row, column, patch=8):
    """The box of a patch, from the processor's settings alone."""
    (wide, high), (left, top) = resized_to(processor, picture)
    across, down = picture.width / wide, picture.height / high
    x, y = (left + patch * column) * across, (top + patch * row) * down
    return numpy.clip([x, y, x + patch * across, y + patch * down], 0, [picture.width, picture.height] * 2)


QUICK = ("vit", "yolos", "vit_mae")  # CI goes through all


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in FAMILIES]
)
def test_the_patch_that_is_lit_is_the_one_that_a_head_looks_at(kind):
    options, processor = FAMILIES[kind]
    model = network(kind, **options)
    dark = traced(model, processor, Image.new("RGB", SIZE))
    place = dark.tokens.index("r1c2") if "r1c2" in dark.tokens else 1  # of a token that was not dropped
    row, column = (int(number) for number in dark.tokens[place].removeprefix("r").split("c"))
    box = true_box(processor, Image.new("RGB", SIZE), row, column)
    assert numpy.abs(dark.layers[0].boxes[place] - box).max() < 1
    picture = bright(SIZE, box)
    prepared = [dict(processor(one, return_tensors="pt")) for one in (Image.new("RGB", SIZE), picture)]
    look_at_bright(model, *({"pixel_values": one["pixel_values"]} for one in prepared), place)
    trace = traced(model, processor, picture)
    drawn = decide(trace, select(trace, layer=["0"], head=["0"]), picture, Overlay(smooth=False))
    seen = weight_map(drawn, 0, SIZE[::-1])
    top, left = numpy.unravel_index(numpy.nanargmax(seen), seen.shape)
    where = numpy.argwhere(seen >= 0.999 * numpy.nanmax(seen))
    (top, left), (bottom, right) = where.min(axis=0), where.max(axis=0) + 1
    assert numpy.abs(numpy.array([left, top, right, bottom]) - box).max() <= 1
    assert numpy.nanmax(seen) > 2 * numpy.nanmedian(seen)


@pytest.mark.parametrize(
    ("kind", "options", "before"),
    [
        ("aimv2_vision_model", {}, 0),
        ("pixtral", {}, 0),
        ("ijepa", {}, 0),
        ("chinese_clip_vision_model", {}, 1),
        ("dinov3_vit", {"num_register_tokens": 3}, 4),
    ],
)
def test_each_patch_of_plain_pixels_is_known(kind, options, before):
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    trace = trace_model(network(kind, **options), {"pixel_values": pixels})
    boxes = grid_boxes(4, 4, 8.0, before=before)
    assert numpy.array_equal(trace.layers[1].boxes, boxes, equal_nan=True)
    assert picture_size(trace.source) == (32, 32)
    assert trace.tokens[before : before + 2] == ("r0c0", "r0c1")


def test_detection_tokens_stand_last():
    options, processor = FAMILIES["yolos"]
    trace = traced(network("yolos", **options), processor, Image.new("RGB", SIZE))
    assert trace.tokens == (
        "[CLS]",
        *(f"r{row}c{column}" for row in range(4) for column in range(6)),
        "[1]",
        "[2]",
        "[3]",
    )
    assert numpy.isnan(trace.layers[0].boxes[-3:]).all()


def test_patches_that_are_dropped_and_shuffled_keep_their_places():
    model = network("vit_mae", mask_ratio=0.5)
    picture = Image.effect_noise((32, 32), 100).convert("RGB")
    trace = traced(model, FAMILIES["vit_mae"][1], picture, seed=7)
    torch.manual_seed(7)
    with torch.no_grad():
        pixels = FAMILIES["vit_mae"][1](picture, return_tensors="pt")["pixel_values"]
        restore = model(pixels).ids_restore[0]
    kept = torch.argsort(restore)[:8].tolist()  # as the model itself tells
    assert trace.tokens == ("[CLS]", *(f"r{place // 4}c{place % 4}" for place in kept))
    assert trace.layers[0].boxes[1].tolist() == [
        8.0 * (kept[0] % 4),
        8.0 * (kept[0] // 4),
        8.0 * (kept[0] % 4 + 1),
        8.0 * (kept[0] // 4 + 1),
    ]


@pytest.mark.parametrize("kind", ["qwen2_vl", "qwen2_5_vl"])
def test_patches_that_are_merged_hold_the_part_of_all(kind):
    model, processor = seeing_models.qwen(kind)
    picture = Image.effect_noise((200, 130), 90).convert("RGB")
    inputs = seeing_models.qwen_inputs(model, processor, picture, "the cat")
    trace = trace_model(model, inputs, image=picture, tokenizer=processor)
    _, rows, columns = inputs["image_grid_thw"][0].tolist()
    tower = next(layer for layer in trace.layers if layer.stack == "vision")
    own = dict(zip(trace.query_tokens(tower), tower.boxes.tolist(), strict=True))
    across, down = 200 / columns, 130 / rows
    assert own["r3c2"] == pytest.approx([2 * across, 3 * down, 3 * across, 4 * down], abs=0.01)
    text = next(layer for layer in trace.layers if not layer.stack)
    merged = dict(zip(trace.query_tokens(text), text.boxes.tolist(), strict=True))
    assert merged["r1c2"] == pytest.approx([4 * across, 2 * down, 6 * across, 4 * down], abs=0.01)
    assert trace.query_tokens(text)[-2:] == ("the", "cat")
    assert numpy.isnan(merged["cat"]).all()


def test_a_picture_and_a_text_are_read_together(tmp_path):
    folder = seeing_models.llava(str(tmp_path / "llava"))
    picture = Image.effect_noise((90, 60), 90).convert("RGB")
    trace = trace_model(folder, "the cat sat", image=picture)
    wide = int(56 * 90 / 60)
    step, left = 90 / wide, (wide - 56) // 2
    for layer in trace.layers:
        places = dict(zip(trace.query_tokens(layer), layer.boxes.tolist(), strict=True))
        expected = [(left + 28) * step, 15, (left + 42) * step, 30]
        assert places["r1c2"] == pytest.approx(expected, abs=0.01)
    assert trace.query_tokens(trace.layers[-1])[-3:] == ("the", "cat", "sat")
    assert trace.source.text.special == frozenset()


def test_a_text_alone_has_no_places(tmp_path):
    trace = trace_model(seeing_models.llava(str(tmp_path / "llava")), "the cat sat")
    assert picture_size(trace.source) is None
    assert all(layer.boxes is None for layer in trace.layers)


def test_what_is_not_known_is_not_guessed():
    """Patches that a processor has cut out, without the picture."""
    model, processor = seeing_models.qwen()
    picture = Image.effect_noise((112, 112), 90).convert("RGB")
    inputs = seeing_models.qwen_inputs(model, processor, picture, "the cat")
    trace = trace_model(model, inputs, tokenizer=processor)
    assert all(layer.boxes is None for layer in trace.layers)
    assert trace.layers[0].tokens is None or trace.tokens[0] == "0"


def test_another_picture_than_was_read_is_refused():
    from attnviz.errors import AttnvizError

    model, processor = seeing_models.qwen()
    picture = Image.effect_noise((112, 112), 90).convert("RGB")
    inputs = seeing_models.qwen_inputs(model, processor, picture, "the cat")
    for other in (Image.new("RGB", (112, 112)), Image.new("RGB", (56, 168))):
        with pytest.raises(AttnvizError, match="is not the one that pixel_values were made of"):
            trace_model(model, inputs, image=other, tokenizer=processor)


def test_the_model_is_left_as_it_was():
    processor = FAMILIES["vit"][1]
    model = network("vit")
    picture = bright(SIZE, (0, 0, 10, 10))
    pixels = processor(picture, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        before = model(pixels).last_hidden_state
        trace_model(model, picture, tokenizer=processor)
        assert torch.equal(model(pixels).last_hidden_state, before)
    assert Model.of(model, processor).image_processor is processor


def test_windows_are_shifted_padded_and_merged():
    """Swin: 9 × 11 patches in windows of 4 × 4, the second layer of a stage two patches further, the second stage of 2 × 2 patches."""
    config = transformers.SwinConfig(
        image_size=32, patch_size=4, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4
    )
    model = seeing_models.noisy(transformers.SwinModel(config))
    processor = transformers.ViTImageProcessorPil(size={"height": 36, "width": 44})
    picture = Image.effect_noise((88, 72), 90).convert("RGB")
    trace = trace_model(model, picture, tokenizer=processor)
    for layer, side, (rows, columns) in zip(
        trace.layers, (8, 8, 16, 16), ((9, 11), (9, 11), (5, 6), (5, 6)), strict=True
    ):
        tokens = trace.query_tokens(layer)
        shift = 2 * (layer.index % 2)
        high, wide = 4 * -(-rows // 4), 4 * -(-columns // 4)
        order = [
            ((top + y + shift) % high, (left + x + shift) % wide)
            for top in range(0, high, 4)
            for left in range(0, wide, 4)
            for y in range(4)
            for x in range(4)
        ]
        for token, box, (row, column) in zip(tokens, layer.boxes, order, strict=True):
            if row >= rows or column >= columns:
                assert numpy.isnan(box).all()
                continue
            assert token == f"r{row}c{column}"
            edges = [side * column, side * row, min(side * (column + 1), 88), min(side * (row + 1), 72)]
            assert box.tolist() == pytest.approx(edges, abs=0.01)
    assert trace.source.agreement.largest_error < 1e-5
    pixels = processor(picture, return_tensors="pt")["pixel_values"]
    ours = trace.layers[1].steps(0).weights[:16, :16]
    assert torch.allclose(ours, model_weights(model, pixels)[0, 0], atol=1e-5)


def model_weights(model, pixels):
    """The second layer's weights as transformers' plain code has them, (windows, heads, tokens, tokens)."""
    model.set_attn_implementation("eager")
    found = []
    attending = model.encoder.layers[0].blocks[1].attention
    hook = attending.register_forward_hook(lambda *_: found.append(_[-1][1]))
    with torch.no_grad():
        model(pixels, output_attentions=True)
    hook.remove()
    return found[0]


@pytest.mark.parametrize("how", ["refuses", "sizes"])
def test_a_processor_that_treats_other_pictures_otherwise_tells_nothing(how):
    model, once = network("vit"), []

    def processor(images, **_):
        once.append(images)
        if len(once) > 1 and how == "refuses":
            raise ValueError("no such picture")
        side = 32 if len(once) == 1 else 40
        return {"pixel_values": torch.ones(1, 3, side, side)}

    processor.image_mean = (0.5, 0.5, 0.5)
    trace = trace_model(model, Image.new("RGB", SIZE), tokenizer=processor)
    assert trace.layers[0].boxes is None
    assert trace.tokens[:2] == ("0", "1")
