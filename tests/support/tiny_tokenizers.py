"""Tokenizers of every kind, each trained here on two sentences."""

from __future__ import annotations

from functools import lru_cache

import tiny_models
from tiny_models import TEXTS
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast


def fast(made: Tokenizer, **special: str) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=made, **special)


def byte_fallback() -> PreTrainedTokenizerFast:
    """As Llama's: SentencePiece's BPE, characters that it lacks as bytes, <s> in front."""
    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>", "<s>", *bytes_], show_progress=False)
    made.train_from_iterator([*TEXTS] * 3, trainer)
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return fast(made, bos_token="<s>", unk_token="<unk>")


def unigram() -> PreTrainedTokenizerFast:
    """As T5's: SentencePiece's unigrams, </s> at the end."""
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=60, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator([*TEXTS] * 3, trainer)
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return fast(made, eos_token="</s>", unk_token="<unk>", pad_token="<pad>")


def word_pieces() -> PreTrainedTokenizerFast:
    """As BERT's: lower case, ##pieces, [CLS] and [SEP]."""
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]"]
    made.train_from_iterator(
        [*TEXTS] * 3, trainers.WordPieceTrainer(vocab_size=90, special_tokens=special, show_progress=False)
    )
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return fast(made, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]")


@lru_cache
def pairing():
    """As BERT's: [CLS] A [SEP] B [SEP], with 1 as the type of what is of the second."""
    made = word_pieces()
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return made


@lru_cache
def ending():
    """As T5's: A </s> B </s>, without types."""
    made = unigram()
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return made


TOKENIZERS = {
    "byte-level": tiny_models.tokenizer,
    "byte fallback": byte_fallback,
    "unigram": unigram,
    "word pieces": word_pieces,
}
