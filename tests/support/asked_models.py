"""Tiny models that are asked which head has which role, a tokenizer of words for them, and what they do by plain hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from string import ascii_lowercase

import torch
from tiny_models import VOCABULARY, model
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from attnviz.sources.huggingface.model import Model
from attnviz.sources.tiny.grammar import Grammar
from attnviz.sources.tiny.words import MARKS, NOUNS, PREPOSITIONS, PRONOUNS
from attnviz.trace.asking import ROLES, Case, Head

CAUSAL = ("Llama", "GPT2", "Gemma2", "GptOss")
HEADS, LAYERS = 4, 2
ALL = slice(None)
END = "<|endoftext|>"
# Where torch's own hooks find what W_O multiplies.
PROJECTIONS = dict.fromkeys(CAUSAL, "model.layers.{}.self_attn.o_proj") | {"GPT2": "transformer.h.{}.attn.c_proj"}


@lru_cache
def word_tokenizer(closed: bool = False) -> PreTrainedTokenizerFast:
    """Words, and letters where a word is unknown, behind one special token as Llama's, or ``closed`` by another as BERT's."""
    letters = [*ascii_lowercase, *(f"##{letter}" for letter in ascii_lowercase)]
    words = ("the", "is", "are", "list", "we", *PRONOUNS, *PREPOSITIONS, *(word for noun in NOUNS for word in noun[:2]))
    known = [END, "[UNK]", *MARKS, *letters, *words][: VOCABULARY - 1]
    made = Tokenizer(models.WordPiece({token: number for number, token in enumerate(known)}, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    single = f"{END} $A {END}" if closed else f"{END} $A"
    made.post_processor = processors.TemplateProcessing(single=single, special_tokens=[(END, 0)])
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token=END, eos_token=END, unk_token="[UNK]")


def asked(name: str, dtype: torch.dtype = torch.float32) -> Model:
    """A tiny model with a tokenizer of words."""
    return Model(model(name, dtype), name, word_tokenizer(closed=name == "Bert"))


@lru_cache
def drawn_cases(count: int = 3) -> tuple[Case, ...]:
    """Cases of every role and of many lengths, in no order."""
    drawn = [case for role in ROLES for case in Grammar(f"asked {role}", unseen=True).cases(role, count)]
    return (*drawn[::2], *drawn[1::2])


@contextmanager
def hooked(asked: Model, layer: int, change: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[None]:
    """Inside the block W_O of one layer multiplies what ``change`` makes of its (texts, tokens, heads · d_v)."""
    projection = asked.model.get_submodule(PROJECTIONS[asked.name].format(layer))
    hook = projection.register_forward_pre_hook(lambda _, given: (change(given[0]), *given[1:]))
    try:
        yield
    finally:
        hook.remove()


def logits(asked: Model, ids: Sequence[int]) -> torch.Tensor:
    """What a model that nobody watches says after the last token of one text."""
    with torch.no_grad():
        result: torch.Tensor = asked.model(torch.tensor([ids])).logits[0, -1]
    return result


def replaced(asked: Model, ids: Sequence[int], head: Head, value: torch.Tensor, at: slice = ALL) -> torch.Tensor:
    """The same with ``value`` in the place of one head's output at some of the tokens."""
    layer, number = head
    width = value.shape[-1]

    def change(given: torch.Tensor) -> torch.Tensor:
        given = given.clone()
        given[:, at, number * width : (number + 1) * width] = value
        return given

    with hooked(asked, layer, change):
        return logits(asked, ids)


def outputs(asked: Model, ids: Sequence[int], layer: int) -> torch.Tensor:
    """The heads' outputs before W_O, (tokens, heads, d_v), of one text."""
    kept: list[torch.Tensor] = []

    def change(given: torch.Tensor) -> torch.Tensor:
        kept.append(given)
        return given

    with hooked(asked, layer, change):
        logits(asked, ids)
    return kept[0][0].unflatten(-1, (HEADS, -1))
