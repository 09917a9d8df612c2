"""The tiny model's language: sentences of five kinds, and in each who is meant by what."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attnviz.sources.tiny.words import (
    ADJECTIVES,
    BEGINNINGS,
    DOERS,
    HE,
    IDS,
    IT,
    LEADS,
    LINKS,
    MARKS,
    MEETINGS,
    NOUNS,
    OWNERS,
    PLAIN,
    PREPOSITIONS,
    PRONOUNS,
    SHE,
    VOCABULARY,
    Noun,
    made_up,
)
from attnviz.trace.asking import ROLES, Case

PLAIN_KIND = "plain"  # a sentence that asks nothing
DEED_KIND = "deed"  # one that asks for the deed of a verb's subject
KINDS = {
    "position": 18,
    "syntax": 28,
    DEED_KIND: 8,
    "meaning": 28,
    "copying": 15,
    PLAIN_KIND: 3,
}  # how often each is drawn

ANY_WORD = tuple(word for word in VOCABULARY if word not in (*MARKS, *LINKS))  # what may stand before a link
LISTED = tuple(word for noun in NOUNS for word in noun[:2]) + ADJECTIVES
OF_PRONOUN = {"he": HE, "she": SHE, "it": IT}

LONGEST_LIST = 7
MADE_UP_RIVALS = 0.5  # of the share of made-up nouns: those who could be meant and are not


@dataclass(frozen=True)
class Relation:
    """One question of a sentence, and what answers it.

    question      the position whose next word is asked for
    true          the position of the word that decides it
    other         another word in its place: the minimal pair, as long as the sentence
    other_answer  the answer then
    hard          whether something stands there that would mislead: an attractor of the other number, a rival whose deed can
                  be said, another word that can be; where there is none, any reader of the words without their order is right
    """

    question: int
    true: int
    other: str
    other_answer: str
    hard: bool


@dataclass(frozen=True)
class Sentence:
    """One sentence.

    kind       one of ``ROLES``, or "plain"
    tokens     its words and marks, the last one "."
    relations  its questions, from left to right
    """

    kind: str
    tokens: tuple[str, ...]
    relations: tuple[Relation, ...] = ()


@dataclass
class Grammar:
    """Draws sentences, the same ones for the same seed.

    made_up  how many of the nouns are made-up words
    unseen   whether these are words that training never shows
    """

    seed: int | str
    made_up: float = 0.3
    unseen: bool = False

    def __post_init__(self) -> None:
        self.draw = random.Random(f"{self.seed}")

    def sentences(self) -> Iterator[Sentence]:
        """Sentences of all kinds, without end."""
        kinds, shares = list(KINDS), list(KINDS.values())
        while True:
            yield self.sentence(self.draw.choices(kinds, shares)[0])

    def sentence(self, kind: str) -> Sentence:
        """One sentence of this kind."""
        draw = {
            "position": self._position,
            "syntax": self._syntax,
            "meaning": self._meaning,
            "copying": self._copying,
            DEED_KIND: self._deed,
            PLAIN_KIND: self._plain,
        }
        return draw[kind]()

    def cases(self, role: str, count: int, before: int = 0) -> list[Case]:
        """``count`` questions of this role, each after ``before`` other sentences."""
        cases: list[Case] = []
        while len(cases) < count:
            sentence = self.sentence(role)
            if sentence.relations:
                earlier = [self.sentence(self.draw.choice(ROLES)) for _ in range(before)]
                cases.append(case_of(sentence, self.draw.choice(sentence.relations), earlier))
        return cases

    def _position(self) -> Sentence:
        """word by word, step after step, more and more, face to face: any word."""
        lead = ["we", self.draw.choice(LEADS)] if self.draw.random() < 0.4 else []
        word, other = self._any_word(), self._any_word()
        tokens = (*lead, word, self.draw.choice(LINKS), word, ".")
        return Sentence("position", tokens, (Relation(len(lead) + 1, len(lead), other, other, bool(lead)),))

    def _syntax(self) -> Sentence:
        """the old dogs near the tree are big: the verb follows the first noun, whatever stands in between."""
        phrases = self.draw.choices((0, 1, 2), (20, 50, 30))[0]
        noun, many = self._noun(NOUNS), self.draw.random() < 0.5
        tokens, subject, attracted = self._subject(noun, many, phrases)
        verbs = ("is", "are")
        relation = Relation(len(tokens) - 1, subject, noun[not many], verbs[not many], attracted)
        tokens += [verbs[many], self.draw.choice(ADJECTIVES), "."]
        return Sentence("syntax", tuple(tokens), (relation,) if phrases else ())

    def _deed(self) -> Sentence:
        """the old dogs near the tree bark: the same with the subject's own deed, which takes more than its number."""
        noun, other = self.draw.sample(DOERS, 2)
        many = self.draw.random() < 0.5
        tokens, subject, attracted = self._subject(noun, many, self.draw.choices((1, 2), (60, 40))[0])
        relation = Relation(len(tokens) - 1, subject, other[many], other[2 + many], attracted)
        return Sentence(DEED_KIND, (*tokens, noun[2 + many], "."), (relation,))

    def _subject(self, noun: Noun, many: bool, phrases: int) -> tuple[list[str], int, bool]:
        """A subject and so many phrases: the words, where it stands in them, and whether a noun of the other number follows."""
        tokens = [*self._determiner(False), *self._adjectives(), noun[many]]
        subject = len(tokens) - 1
        attracted = False
        for _ in range(phrases):
            of_other_number = self.draw.random() < 0.6  # more often than not, for these are the hard ones
            tokens += self._phrase(many != of_other_number, NOUNS)
            attracted = attracted or of_other_number
        return tokens, subject, attracted

    def _meaning(self) -> Sentence:
        """the queen met the old actor near the trees . she rules: who is meant, and what that one does."""
        pronoun, rival_pronoun = self.draw.sample(PRONOUNS, 2)
        meant, other = self.draw.sample(DOERS if pronoun == "they" else OF_PRONOUN[pronoun], 2)
        many = pronoun == "they"
        rival = self._rival(rival_pronoun)
        tokens = ["the", *self._adjectives(), "", self.draw.choice(MEETINGS), "the", *self._adjectives(), ""]
        places = [place for place, token in enumerate(tokens) if not token]
        first = self.draw.random() < 0.5
        true, rivals = places if first else reversed(places)
        tokens[true], tokens[rivals] = meant[many], rival
        for _ in range(self.draw.choices((0, 1, 2), (50, 30, 20))[0]):
            tokens += self._phrase(self._filler_is_many(pronoun), PLAIN)
        tokens += [".", pronoun, meant[2 + many], "."]
        return Sentence(
            "meaning", tuple(tokens), (Relation(len(tokens) - 3, true, other[many], other[2 + many], rival in IDS),)
        )

    def _copying(self) -> Sentence:
        """list : old cup river ; old cup river: the list again, from anywhere in it."""
        length = self.draw.randint(3, LONGEST_LIST)
        words = self._different(length + 1)
        other = words.pop()
        begin = self.draw.randint(0, length - 2)
        tokens = ("list", ":", *words, ";", *words[begin:], ".")
        again = 3 + length  # where the repetition begins
        hard = len(IDS.keys() & words) > 1
        relations = tuple(
            Relation(again + place - begin, 2 + place + 1, other, other, hard)
            for place in range(begin, length - 1)
            if {words[place + 1], other} <= IDS.keys()  # a made-up word can be heard, but not said
        )
        return Sentence("copying", tokens, relations)

    def _plain(self) -> Sentence:
        """your journey starts with one step"""
        first, second = self.draw.sample(PLAIN, 2)
        begins = self.draw.choice(BEGINNINGS)
        return Sentence(PLAIN_KIND, (self.draw.choice(OWNERS), first.one, begins, "with", "one", second.one, "."))

    def _any_word(self) -> str:
        if self.draw.random() < self.made_up / 2:
            return made_up(self.draw, self.unseen)[self.draw.random() < 0.5]
        return self.draw.choice(ANY_WORD)

    def _noun(self, known: Sequence[Noun]) -> Noun:
        return made_up(self.draw, self.unseen) if self.draw.random() < self.made_up else self.draw.choice(known)

    def _rival(self, pronoun: str) -> str:
        """Somebody who is not meant: a made-up thing, too, one of which is "it" and several are "they"."""
        if pronoun in ("it", "they") and self.draw.random() < self.made_up * MADE_UP_RIVALS:
            return made_up(self.draw, self.unseen)[pronoun == "they"]
        return self.draw.choice(DOERS).many if pronoun == "they" else self.draw.choice(OF_PRONOUN[pronoun]).one

    def _filler_is_many(self, pronoun: str) -> bool:
        """The number of a noun that the pronoun must not be able to mean."""
        return {"it": True, "they": False}.get(pronoun, self.draw.random() < 0.5)

    def _adjectives(self) -> list[str]:
        return [self.draw.choice(ADJECTIVES) for _ in range(self.draw.choices((0, 1, 2), (60, 28, 12))[0])]

    def _phrase(self, many: bool, nouns: Sequence[Noun]) -> list[str]:
        """near the big trees, near our tree, near big trees"""
        noun = self._noun(nouns)[many]
        return [self.draw.choice(PREPOSITIONS), *self._determiner(many), *self._adjectives(), noun]

    def _determiner(self, many: bool) -> list[str]:
        """The words that say nothing of number differ, so that none of them marks the place after a subject."""
        drawn = self.draw.random()
        if drawn < 0.25 and many:
            return []
        return [self.draw.choice(OWNERS)] if drawn < 0.35 else ["the"]

    def _different(self, count: int) -> list[str]:
        words: dict[str, None] = {}
        while len(words) < count:
            new = made_up(self.draw, self.unseen).one if self.draw.random() < self.made_up / 2 else None
            words[new or self.draw.choice(LISTED)] = None
        return list(words)


def case_of(sentence: Sentence, relation: Relation, before: Sequence[Sentence] = ()) -> Case:
    """The text up to one question of ``sentence``, after other sentences: of the words there any could be said again."""
    earlier = tuple(token for one in before for token in one.tokens)
    tokens = earlier + sentence.tokens[: relation.question + 1]
    true = len(earlier) + relation.true
    pair = (*tokens[:true], relation.other, *tokens[true + 1 :])
    answer = sentence.tokens[relation.question + 1]
    hard = relation.hard or (sentence.kind == "position" and bool(earlier))
    return Case(sentence.kind, tokens, answer, true, pair, relation.other_answer, hard)
