"""A text is as long as it may be: refused where it is longer, or cut where its last token ends."""

from __future__ import annotations

import pytest

from attnviz.choices import Tokenizer
from attnviz.errors import AttnvizError
from attnviz.sources.texts.length import ANY_LENGTH, CutText, Length, in_words


@pytest.mark.parametrize(
    ("length", "positions", "most"),
    [(ANY_LENGTH, None, None), (ANY_LENGTH, 8, 8), (Length(3), None, 3), (Length(3), 8, 3), (Length(9), 8, 8)],
)
def test_the_shorter_of_both_holds(length, positions, most):
    assert length.within(positions).most == most


def test_a_text_that_is_too_long_is_refused():
    Length(3).require(3)
    ANY_LENGTH.require(10**9)
    with pytest.raises(AttnvizError, match="the text has 1,004 tokens, more than the 3 that are asked for"):
        Length(3).require(1004)


@pytest.mark.parametrize(
    ("tokenizer", "most", "cut"),
    [
        (Tokenizer.WORD, 3, "the  dog, "[:-1]),
        (Tokenizer.WORD, 2, "the  dog"),
        (Tokenizer.WORD, 9, "the  dog, and so"),
        (Tokenizer.CHAR, 5, "the  "),
        (Tokenizer.WHITESPACE, 2, "the  dog,"),
    ],
)
def test_a_text_is_cut_behind_its_last_token(tokenizer, most, cut):
    cut_into = in_words(tokenizer)
    fitted = Length(most).fitted("the  dog, and so", cut_into)
    assert fitted.strip() == cut.strip()
    assert cut_into(fitted).tokens <= most
    assert ANY_LENGTH.fitted("the dog", cut_into) == "the dog"


def test_tokens_that_close_a_text_stay():
    def cut_into(text: str) -> CutText:
        """One token a character, and two special ones: [CLS] and [SEP]."""
        return CutText(len(text) + 2, 1, (None, *((place, place + 1) for place in range(len(text))), None))

    assert Length(5).fitted("abcdefgh", cut_into) == "abc"
    with pytest.raises(AttnvizError, match="2 tokens are too few for any word of this text"):
        Length(2).fitted("abcdefgh", cut_into)


@pytest.mark.parametrize("grown", [1, 2, 4])
def test_without_places_it_is_cut_again_until_it_fits(grown):
    fitted = Length(5).fitted("a" * 1000, lambda text: CutText(grown + len(text) // 3))
    assert 3 <= grown + len(fitted) // 3 <= 5


def test_without_places_what_never_fits_ends_in_an_error():
    with pytest.raises(AttnvizError, match="5 tokens are too few"):
        Length(5).fitted("a" * 1000, lambda _: CutText(7))
