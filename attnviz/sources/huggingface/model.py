"""A loaded model and its tokenizer."""

from __future__ import annotations

import os
from typing import Any

import transformers

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.loading.loader import (
    bare_kind,
    load_image_processor,
    load_model,
    load_processor,
    load_tokenizer,
)
from attnviz.sources.huggingface.loading.writers import head_kind, writing_kind
from attnviz.text.message import Message


class Model:
    """A loaded model, its name, and its tokenizer or its processor, which is loaded when it is needed.

    found     whether a name or a folder was all that was known of it: while it runs, it may no more than while it was loaded
    adapter   the folder of the adapter that was put into it; None: there is none
    recorded  whether its attention is recorded, since it cannot be watched; None where nobody has seen it run
    """

    def __init__(
        self, model: transformers.PreTrainedModel, name: str, tokenizer: Any = None, found: bool = False
    ) -> None:
        self.model, self.name, self.found = model, name, found
        self._processor = tokenizer if hasattr(tokenizer, "image_processor") else None
        self._tokenizer = tokenizer if self._processor is None else tokenizer.tokenizer
        self._image_processor = None if self._processor is None else tokenizer.image_processor
        if hasattr(tokenizer, "image_mean") and self._processor is None:  # of a model of images alone
            self._tokenizer, self._image_processor = None, tokenizer
        self.recorded: bool | None = None
        self.adapter: str | None = None

    @classmethod
    def load(
        cls,
        name: str,
        *,
        device: str | None = None,
        dtype: str | None = None,
        device_map: str | None = None,
        adapter: str | None = None,
        writes: bool = False,
        predicts: bool = False,
    ) -> Model:
        """The model in a folder or of a Hugging Face id; AttnvizError when it cannot be loaded. ``writes`` asks for its
        language head; ``predicts`` too, of a model that fills gaps as well."""
        kind_of = writing_kind if writes else head_kind if predicts else bare_kind
        loaded = cls(load_model(name, device, dtype, device_map, kind_of, adapter), name, found=True)
        loaded.adapter = adapter
        return loaded

    @classmethod
    def of(cls, model: Any, tokenizer: Any = None, **options: Any) -> Model:
        """``model`` as it is given: a name or a folder, to be loaded with ``options``; one that is loaded; or one of these."""
        if isinstance(model, cls):
            return model
        if isinstance(model, str | os.PathLike):
            return cls.load(str(model), **options)
        if options.get("adapter") is not None:
            raise AttnvizError(
                "an adapter is put into a model that is named, and this one is loaded already",
                "put it in with peft before, or name the model's folder",
            )
        if not hasattr(model, "config"):
            what = Message("a folder, an id, or a model of transformers")
            raise AttnvizError("model is of type {kind}: expected {what}", kind=type(model).__name__, what=what)
        return cls(model, model.config.name_or_path or type(model).__name__, tokenizer)

    @property
    def reads_images(self) -> bool:
        """Whether it reads nothing but an image, whose patches are its tokens."""
        return str(self.model.main_input_name) == "pixel_values"

    @property
    def has_tokenizer(self) -> bool:
        """Whether ids can be put into words; those of a person's own may be all that there is."""
        return self._tokenizer is not None

    @property
    def tokenizer(self) -> Any:
        """Loaded when a text is to be cut for the first time."""
        if self._tokenizer is None:
            self._tokenizer = load_tokenizer(self.name)
        return self._tokenizer

    @property
    def image_processor(self) -> Any:
        """What turns a picture into the numbers that the model reads."""
        if self._image_processor is None:
            self._image_processor = load_image_processor(self.name)
        return self._image_processor

    @property
    def processor(self) -> Any:
        """What turns a text and a picture into the model's inputs."""
        if self._processor is None:
            self._processor = load_processor(self.name)
        return self._processor
