"""Any text through tokenizers of every kind: a label for each id, whatever the text is, and one clear line where it cannot be read."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from hypothesis import strategies as st
from tiny_models import TEXTS, tokenizer
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from attnviz.sources.huggingface.labels import of_ids, tokens_of_ids, tokens_of_text
from attnviz.trace.token_facts import read_token_facts

SPECIAL = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
CHARACTERS = st.text(st.characters(exclude_categories=()), max_size=40)
PIECES = st.sampled_from(
    (
        *(
            "Your ",
            "journey",
            " ",
            "\t",
            "\n",
            "\0",
            "\u00a0",
            "\u200b",
            "\u200d",
            "\u202e",
            "\ufeff",
            "\ufffd",
            "▁",
            "Ġ",
            "##s",
        ),
        *(
            "👍🏽",
            "👨\u200d👩\u200d👧",
            "e\u0301",
            "ﬁ",
            "İ",
            "ß",
            "注意",
            "한",
            "\u1112\u1161",
            "שלום",
            "\ud800",
            "\udfff",
            "\U0010ffff",
        ),
        *(*SPECIAL, "<|endoftext|>", "x" * 300),
    )
)


class Case(NamedTuple):
    """A text for one kind of tokenizer, with the special tokens around it or without."""

    kind: str
    text: str
    special: bool


KINDS = ("bytes", "pieces", "words", "characters", "unigrams")
CASES = st.builds(
    Case, st.sampled_from(KINDS), CHARACTERS | st.lists(PIECES | CHARACTERS, max_size=6).map("".join), st.booleans()
)


def check(case: Case) -> None:
    """There are as many labels as ids, each of them text; the same ids without the text have as many."""
    made = _tokenizer(case.kind)
    tokens = tokens_of_text(made, case.text, case.special)  # or an AttnvizError, which the harness counts
    assert len(tokens.labels) == len(tokens.ids)
    assert all(isinstance(label, str) for label in tokens.labels)
    assert all(0 <= place < len(tokens.ids) for place in tokens.special)
    assert len(tokens_of_ids(tokens.ids, made).labels) == len(tokens.ids)
    facts = read_token_facts(tokens.facts)
    assert facts == tokens.facts == facts.of(len(tokens.ids))  # one of each for each token
    assert all(span is None or span[1] <= len(case.text) for span in facts.spans)
    assert len(of_ids(tokens.ids, made).facts.words) == len(tokens.ids)


@lru_cache
def _tokenizer(kind: str) -> Any:
    """A tokenizer that is trained on two sentences."""
    if kind == "bytes":
        return tokenizer()
    options = {"special_tokens": SPECIAL, "show_progress": False}
    if kind == "pieces":
        made, trainer = (
            Tokenizer(models.WordPiece(unk_token="[UNK]")),
            trainers.WordPieceTrainer(vocab_size=200, **options),
        )
        made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        made.decoder = decoders.WordPiece()
    elif kind == "words":
        made, trainer = (
            Tokenizer(models.WordLevel(unk_token="[UNK]")),
            trainers.WordLevelTrainer(vocab_size=60, **options),
        )
        made.pre_tokenizer = pre_tokenizers.Whitespace()
    elif kind == "characters":
        made, trainer = Tokenizer(models.BPE(unk_token="[UNK]")), trainers.BpeTrainer(vocab_size=120, **options)
        made.normalizer, made.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
        made.decoder = decoders.Metaspace()
    else:
        made, trainer = (
            Tokenizer(models.Unigram()),
            trainers.UnigramTrainer(vocab_size=90, unk_token="[UNK]", **options),
        )
        made.normalizer, made.pre_tokenizer = normalizers.NFD(), pre_tokenizers.Metaspace()
        made.decoder = decoders.Metaspace()
    made.train_from_iterator([*TEXTS] * 3, trainer)
    names = {
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "mask_token": "[MASK]",
    }
    return PreTrainedTokenizerFast(tokenizer_object=made, **names)
