"""How long a text may be, in tokens, and what becomes of a longer one: it is skipped, or cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from attnviz.choices import Tokenizer
from attnviz.errors import AttnvizError
from attnviz.text.tokenizer import tokenize
from attnviz.text.words import Span, found_in


class CutText(NamedTuple):
    """How many tokens a text has.

    closing  how many at its end stand for none of it, such as [SEP]
    spans    from which character up to which each stands, None for one that stands for none; () where that is not known
    """

    tokens: int
    closing: int = 0
    spans: Sequence[Span | None] = ()


class Length(NamedTuple):
    """How many tokens a text may have; None: any number. ``cut``: a longer one is cut, and not refused."""

    most: int | None = None
    cut: bool = False

    def within(self, positions: int | None) -> Length:
        """The same of a model that reads so many tokens, and not more."""
        known = [one for one in (self.most, positions) if one is not None]
        return self._replace(most=min(known, default=None))

    def require(self, tokens: int) -> None:
        """Refuse a text of so many tokens where that is too many."""
        if self.most is not None and tokens > self.most:
            raise AttnvizError(
                "the text has {tokens:,} tokens, more than the {most:,} that are asked for",
                "cut it with --cut, or ask for more with --max-length",
                tokens=tokens,
                most=self.most,
            )

    def fitted(self, text: str, cut_into: Callable[[str], CutText]) -> str:
        """The longest beginning of ``text`` that has no more tokens than it may, as ``cut_into`` counts them."""
        if self.most is None:
            return text
        while (known := cut_into(text)).tokens > self.most:
            end = _end(known, self.most, len(text))
            if not text[:end].strip():
                raise AttnvizError(
                    "{most} tokens are too few for any word of this text",
                    "ask for more with --max-length",
                    most=self.most,
                )
            text = text[:end]
        return text


ANY_LENGTH = Length()


def _end(known: CutText, most: int, characters: int) -> int:
    """Where to cut a text so that about ``most`` tokens are left, and fewer characters than there are."""
    kept = [span for span in known.spans[: max(0, most - known.closing)] if span is not None]
    if known.spans:
        return min(kept[-1][1] if kept else 0, characters - 1)
    return characters * most // known.tokens


def in_words(tokenizer: Tokenizer = Tokenizer.WORD) -> Callable[[str], CutText]:
    """How ``tokenizer``, which adds no special tokens, cuts a text."""

    def cut_into(text: str) -> CutText:
        tokens = tokenize(text, tokenizer)
        return CutText(len(tokens), 0, found_in(text, tokens) or ())

    return cut_into
