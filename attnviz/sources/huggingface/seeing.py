"""What a model is given of a picture, alone or beside a text, and how the same is made of any other picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from attnviz.errors import AttnvizError
from attnviz.sources.files.pictures import read_picture
from attnviz.sources.huggingface.chat import in_chat
from attnviz.sources.huggingface.labels import of_ids
from attnviz.sources.huggingface.loading.errors import one_line
from attnviz.sources.huggingface.pictured import Pictured
from attnviz.sources.huggingface.tokens import Tokens

if TYPE_CHECKING:
    from attnviz.sources.huggingface.model import Model

PIXELS = "pixel_values"
Inputs = dict[str, torch.Tensor]


def is_picture(value: Any) -> bool:
    """Whether it is a picture of Pillow."""
    from PIL import Image

    return isinstance(value, Image.Image)


def opened(image: Any) -> Any:
    """A picture of Pillow in red, green and blue; of a file, what it holds."""
    return image.convert("RGB") if is_picture(image) else read_picture(Path(image))


def of_picture(model: Model, image: Any) -> tuple[Inputs, Pictured]:
    """The inputs of a model that reads nothing but a picture."""
    picture, processor = opened(image), model.image_processor

    def prepare(any_picture: Any) -> Inputs:
        return {PIXELS: _processed(processor, any_picture)[PIXELS]}

    return prepare(picture), Pictured(picture.size, prepare)


def of_picture_and_text(model: Model, text: str, image: Any, chat: bool) -> tuple[Inputs, Tokens, Pictured]:
    """The inputs of a model that reads a text with a picture in it, and the tokens of that text.

    The picture stands where the text has its token; a text without one goes behind it.
    """
    picture, processor = opened(image), model.processor
    prompt = _prompt(model, processor, text, chat)

    def prepare(any_picture: Any) -> Inputs:
        return _processed(processor, any_picture, text=prompt)

    inputs = prepare(picture)
    return (
        inputs,
        of_ids([int(one) for one in inputs["input_ids"][0]], model.tokenizer),
        Pictured(picture.size, prepare),
    )


def of_picture_in_inputs(model: Model, inputs: Mapping[str, torch.Tensor], image: Any) -> Pictured:
    """The picture ``image``, of which the processor made what is among ``inputs``; AttnvizError where it makes something else."""
    picture, processor = opened(image), model.image_processor

    def prepare(any_picture: Any) -> Inputs:
        made = _processed(processor, any_picture)
        return {**inputs, **{name: value for name, value in made.items() if name in inputs}}

    if PIXELS not in inputs or (made := prepare(picture)[PIXELS]).shape != inputs[PIXELS].shape:
        raise AttnvizError(
            "the image is not the one that pixel_values were made of", "give the picture that the processor was given"
        )
    if not torch.allclose(made.float(), inputs[PIXELS].float().cpu(), atol=0.05):
        raise AttnvizError(
            "the image is not the one that pixel_values were made of", "give the picture that the processor was given"
        )
    return Pictured(picture.size, prepare)


def _prompt(model: Model, processor: Any, text: str, chat: bool) -> str:
    """``text`` with the token that stands for a picture, in the chat template if that is asked for."""
    mark = getattr(processor, "image_token", None)
    if not isinstance(mark, str):
        raise AttnvizError("{name} has no token for a picture in its text", "leave out --image", name=model.name)
    if chat:
        return in_chat(
            processor if getattr(processor, "chat_template", None) else model.tokenizer, text, model.name, picture=True
        )
    if mark in text:
        return text
    start, end = (getattr(processor, f"vision_{which}_token", "") or "" for which in ("start", "end"))
    return f"{start}{mark}{end}{text}"


def _processed(processor: Callable[..., Any], picture: Any, **more: Any) -> Inputs:
    """What ``processor`` makes of a picture."""
    try:
        made = processor(images=picture, return_tensors="pt", **more)
    except Exception as error:  # of a library, about a person's own settings
        raise AttnvizError("the picture cannot be prepared: {reason}", reason=one_line(error)) from error
    return {name: value for name, value in made.items() if isinstance(value, torch.Tensor)}
