"""Tokens as people read them, from tokenizers of every kind; each is trained here on two sentences."""

from __future__ import annotations

import pytest
import tiny_models
from tiny_tokenizers import TOKENIZERS, byte_fallback, fast, pairing, word_pieces
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from attnviz import AttnvizError
from attnviz.sources.huggingface.labels import alone, continued, of_ids, tokens_of_ids, tokens_of_text
from attnviz.sources.huggingface.tokens import Tokens


@pytest.mark.parametrize("name", TOKENIZERS)
def test_words_are_read_without_the_vocabularys_spelling(name):
    tokens = tokens_of_text(TOKENIZERS[name](), "Your journey starts")
    labels = [label for place, label in enumerate(tokens.labels) if place not in tokens.special]
    assert "".join(labels).replace(" ", "") == "Yourjourneystarts"
    assert not any(mark in label for label in tokens.labels for mark in "Ġ▁#")
    assert len(tokens.labels) == len(tokens.ids)


def test_a_space_is_shown_only_where_it_matters():
    labels = tokens_of_text(tiny_models.tokenizer(), "Your journey  starts\n with").labels
    assert labels == ("Your", "journey", " ", "starts", "\n", "with")


@pytest.mark.parametrize(
    ("name", "text", "labels"),
    [
        ("byte-level", "cat sat on the cat", ("cat", "sat", "on", "the", " cat")),
        ("byte-level", "the cat sat, the cat", ("the", "cat", "sat", ",", " the", "cat")),
        ("byte fallback", "cat sat on the cat", ("<s>", "cat", "sat", "on", "the", "cat")),  # all of them begin a word
        ("unigram", "sat onstep", (" s", "at", "on", "s", "t", "ep", "</s>")),
        ("word pieces", "s sat onstep", ("[CLS]", "s", "sat", "on", "##s", "t", "ep", "[SEP]")),
    ],
)
def test_tokens_that_only_their_beginning_tells_apart_keep_it(name, text, labels):
    tokenizer = TOKENIZERS[name]()
    tokens = tokens_of_text(tokenizer, text)
    assert tokens.labels == labels
    if name != "word pieces":  # which decode an id alone with its ##
        assert tokens_of_ids(tokens.ids, tokenizer).labels == labels
    by_label = {}
    for label, number in zip(labels, tokens.ids, strict=True):
        assert by_label.setdefault(label, number) == number


@pytest.mark.parametrize("name", ["byte-level", "byte fallback"])
def test_a_character_split_over_tokens_is_shown_whole_with_its_parts(name):
    labels = tokens_of_text(TOKENIZERS[name](), "one 🙂世").labels
    assert labels[-7:] == ("🙂(1/4)", "🙂(2/4)", "🙂(3/4)", "🙂(4/4)", "世(1/3)", "世(2/3)", "世(3/3)")


def test_what_was_written_is_shown_not_what_it_was_made_to():
    assert "Your" in tokens_of_text(word_pieces(), "Your journey").labels  # the vocabulary holds "your"


@pytest.mark.parametrize(
    ("name", "text", "special"),
    [
        ("byte-level", "one<|endoftext|> step", {"<|endoftext|>"}),
        ("byte fallback", "one step", {"<s>"}),
        ("unigram", "one step", {"</s>"}),
        ("word pieces", "one [SEP] step", {"[CLS]", "[SEP]"}),
    ],
)
def test_special_tokens_are_marked(name, text, special):
    tokens = tokens_of_text(TOKENIZERS[name](), text)
    assert {tokens.labels[place] for place in tokens.special} == special
    assert not special & {label for place, label in enumerate(tokens.labels) if place not in tokens.special}


def test_an_unknown_piece_is_shown_as_it_was_written_and_marked():
    tokens = tokens_of_text(word_pieces(), "one 注")
    assert tokens.labels[-2] == "注[UNK]"
    assert len(tokens.labels) - 2 not in tokens.special


def test_an_end_that_stands_for_the_unknown_too_is_special():
    made = fast(tiny_models.tokenizer().backend_tokenizer, eos_token="<|endoftext|>", unk_token="<|endoftext|>")
    assert tokens_of_text(made, "one<|endoftext|>").special == (len(tokens_of_text(made, "one").ids),)


def test_a_special_token_without_brackets_gets_some():
    made = fast(tiny_models.tokenizer().backend_tokenizer, eos_token="step")
    assert tokens_of_text(made, "step").labels == ("⟨step⟩",)


@pytest.mark.parametrize("name", ["byte-level", "byte fallback", "unigram"])
@pytest.mark.parametrize("text", ["Your journey starts", "the cat  sat\n", "one 🙂世 step"])
def test_ids_alone_read_nearly_the_same(name, text):
    tokenizer = TOKENIZERS[name]()
    tokens = tokens_of_text(tokenizer, text)
    alone = tokens_of_ids(tokens.ids, tokenizer)
    assert alone.special == tokens.special
    unknown = {place for place, number in enumerate(tokens.ids) if number == tokenizer.unk_token_id}
    for place, (ours, theirs) in enumerate(zip(alone.labels, tokens.labels, strict=True)):
        assert ours == theirs or place in unknown


def test_ids_without_a_tokenizer_are_their_own_labels():
    assert tokens_of_ids([5, 7]) == Tokens((5, 7), ("5", "7"), ())


def test_half_a_character_is_shown_as_the_vocabulary_has_it():
    tokenizer = tiny_models.tokenizer()
    ids = tokens_of_text(tokenizer, "世").ids
    assert tokens_of_ids(ids[:2], tokenizer).labels == tuple(tokenizer.convert_ids_to_tokens(ids[:2]))


@pytest.mark.parametrize("text", ["\ud800", "a \udfff b"])
def test_half_a_character_is_told(text):
    """As a shell passes on bytes that are no UTF-8."""
    with pytest.raises(AttnvizError, match=r"the text holds '\\ud[8f][0f][0f]' at position \d, which is no character"):
        tokens_of_text(byte_fallback(), text)


def test_a_tokenizer_that_fails_while_it_works_is_one_line():
    damaged = fast(Tokenizer(models.WordLevel({"a": 0}, unk_token="gone")))
    with pytest.raises(AttnvizError, match="the tokenizer fails on this text: WordLevel error: Missing"):
        tokens_of_text(damaged, "b")


def test_what_a_model_wrote_is_told_apart_from_what_it_was_given():
    """ " with" and "with" are two tokens: where the second is written, the first gets its space back."""
    cut = tiny_models.tokenizer()
    given = tokens_of_text(cut, "starts with")
    bare, end = cut.convert_tokens_to_ids(["with", "<|endoftext|>"])
    assert given.labels[-1] == "with"
    whole = continued(given, [bare, end], cut)
    assert whole.labels[-3:] == (" with", "with", "<|endoftext|>")
    assert whole.special == (len(whole.ids) - 1,)
    assert continued(given, [], cut) == given
    assert continued(Tokens((5,), ("5",), (0,)), [6]) == Tokens((5, 6), ("5", "6"), (0,))


def test_an_id_alone_keeps_its_space_where_others_read_the_same():
    cut = tiny_models.tokenizer()
    spaced = cut.convert_tokens_to_ids("Ġwith")
    assert alone(spaced, cut, []) == alone(spaced, cut, ["one"]) == "with"
    assert alone(spaced, cut, ["with"]) == " with"
    assert alone(5, None, ["5"]) == "5"


def test_a_tokenizer_that_panics_is_one_line_and_prints_nothing(capfd):
    endless = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    endless.pre_tokenizer = pre_tokenizers.Split(Regex("(a+)+$"), "isolated")
    with pytest.raises(AttnvizError, match=r"the tokenizer fails on this text: .*retry-limit-in-match"):
        tokens_of_text(fast(endless), "a" * 40 + "!")
    assert capfd.readouterr() == ("", "")


class Slow:
    """A tokenizer that tells no offsets, as those that are written in Python."""

    is_fast = False

    def __init__(self, made) -> None:
        self.made = made

    def __call__(self, *given, **options):
        return self.made(*given, **options)

    def __getattr__(self, name):
        return getattr(self.made, name)


def test_a_tokenizer_without_offsets_cuts_one_text_or_a_pair():
    one = tokens_of_text(Slow(word_pieces()), "the cat")
    assert one.facts == tokens_of_text(word_pieces(), "the cat").facts
    pair = tokens_of_text(Slow(pairing()), "the cat", pair="the mat")
    assert pair.labels == ("[CLS]", "A:the", "A:cat", "[SEP]", "B:the", "B:mat", "[SEP]")
    assert pair.types == (0, 0, 0, 0, 1, 1, 1)


def test_ids_have_facts_of_what_they_decode_to():
    tokenizer = word_pieces()
    cut = tokens_of_text(tokenizer, "the cat")
    assert of_ids(cut.ids, tokenizer).facts == cut.facts._replace(spans=())
    assert of_ids([5, 7]) == tokens_of_ids([5, 7])
