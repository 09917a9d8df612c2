"""Tiny models of images, and of images and texts, whose first head can be made to look at what is bright."""

from __future__ import annotations

from copy import deepcopy

import torch
import transformers
from PIL import Image
from tiny_models import tokenizer

transformers.utils.logging.set_verbosity_error()
SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


def network(kind: str, **options: object) -> torch.nn.Module:
    """A tiny model of images, of this kind, with weights through which everything is seen."""
    config = transformers.AutoConfig.for_model(kind, **{**SMALL, "image_size": 32, "patch_size": 8, **options})
    return noisy(transformers.AutoModel.from_config(config))


def noisy(model: torch.nn.Module) -> torch.nn.Module:
    """``model`` with drawn weights: some begin as 0, through which nothing would be seen."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def words_for_pictures(*special: str) -> transformers.PreTrainedTokenizerFast:
    """The tokenizer of the tiny models, with these tokens more."""
    made = deepcopy(tokenizer())
    made.add_special_tokens({"additional_special_tokens": list(special)})
    return made


def vit(folder: str) -> str:
    """A folder with a tiny ViT and its image processor."""
    network("vit", image_size=56, patch_size=14).save_pretrained(folder)
    transformers.ViTImageProcessorPil(size={"height": 56, "width": 56}).save_pretrained(folder)
    return folder


def llava(folder: str, **vision: object) -> str:
    """A folder with a tiny LLaVA and its processor."""
    words = words_for_pictures("<image>")
    plain = {"vocab_size": len(words), **SMALL, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
    config = transformers.LlavaConfig(
        text_config=transformers.LlamaConfig(**plain),
        vision_config=transformers.CLIPVisionConfig(**{**SMALL, "image_size": 56, "patch_size": 14, **vision}),
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    noisy(transformers.LlavaForConditionalGeneration(config)).save_pretrained(folder)
    seeing = transformers.CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56})
    transformers.LlavaProcessor(
        image_processor=seeing,
        tokenizer=words,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template="{% for turn in messages %}{% for part in turn.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}",
    ).save_pretrained(folder)
    return folder


class Processor:
    """A tokenizer and an image processor, where the library's own class needs what is not installed."""

    def __init__(self, words: object, seeing: object) -> None:
        self.tokenizer, self.image_processor = words, seeing


def qwen(kind: str = "qwen2_vl") -> tuple[torch.nn.Module, Processor]:
    """A tiny Qwen2-VL (or 2.5) and what prepares its inputs."""
    words = words_for_pictures("<|image_pad|>", "<|vision_start|>", "<|vision_end|>", "<|video_pad|>")
    of = words.convert_tokens_to_ids
    text = {
        **SMALL,
        "vocab_size": len(words),
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0},
        **{f"{name}_token_id": 0 for name in ("bos", "eos", "pad")},
    }
    own = {"embed_dim": 32, "mlp_ratio": 2} if kind == "qwen2_vl" else {"intermediate_size": 48, "out_hidden_size": 32}
    windows = {} if kind == "qwen2_vl" else {"fullatt_block_indexes": [1], "window_size": 56}
    config = transformers.AutoConfig.for_model(
        kind,
        text_config=text,
        vision_config={"depth": 2, "hidden_size": 32, "num_heads": 4, "patch_size": 14, **own, **windows},
        image_token_id=of("<|image_pad|>"),
        vision_start_token_id=of("<|vision_start|>"),
        vision_end_token_id=of("<|vision_end|>"),
        video_token_id=of("<|video_pad|>"),
    )
    model = noisy(transformers.AutoModelForImageTextToText.from_config(config))
    return model, Processor(
        words, transformers.Qwen2VLImageProcessorPil(min_pixels=28 * 28 * 4, max_pixels=28 * 28 * 24)
    )


def qwen_inputs(
    model: torch.nn.Module, processor: Processor, picture: Image.Image, text: str
) -> dict[str, torch.Tensor]:
    """What Qwen's own processor would make of a picture and a text."""
    seen = dict(processor.image_processor(images=picture, return_tensors="pt"))
    patches = int(seen["image_grid_thw"].prod()) // 4
    prompt = f"<|vision_start|>{'<|image_pad|>' * patches}<|vision_end|>{text}"
    ids = processor.tokenizer(prompt, return_tensors="pt")["input_ids"]
    kinds = (ids == model.config.image_token_id).long()
    return {**seen, "input_ids": ids, "attention_mask": torch.ones_like(ids), "mm_token_type_ids": kinds}


QUERIES, KEYS = ("query", "q_proj", "q"), ("key", "k_proj", "k")


def look_at_bright(
    model: torch.nn.Module, dark: dict[str, torch.Tensor], lit: dict[str, torch.Tensor], token: int
) -> None:
    """Let the first head of the first layer look at what is bright: its keys are how far a token lies from what it is in the ``dark``,
    towards what ``token`` is where it is ``lit``, and its queries are all alike."""
    attending = {
        name.rpartition(".")[0]: module for name, module in model.named_modules() if name.rpartition(".")[2] in KEYS
    }
    path, key = next(iter(attending.items()))
    query = next(
        module
        for name, module in model.named_modules()
        if name.rpartition(".")[0] == path and name.rpartition(".")[2] in QUERIES
    )
    given: list[torch.Tensor] = []
    hook = key.register_forward_pre_hook(lambda _, arguments: given.append(arguments[0].detach()))
    with torch.no_grad():
        for inputs in (dark, lit):
            torch.manual_seed(5)
            model(**inputs)
        hook.remove()
        away = given[1][0, token] - given[0][0, token]
        for linear in (query, key):
            linear.weight.zero_()
            if linear.bias is not None:
                linear.bias.zero_()
        key.weight[0] = 40 * away / away.norm() ** 2
        assert query.bias is not None, "its queries could not be alike"
        query.bias[0] = 10.0
