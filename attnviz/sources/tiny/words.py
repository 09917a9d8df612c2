"""The words of the tiny model's language, and made-up ones that it has never seen."""

from __future__ import annotations

import random
import zlib
from typing import NamedTuple


class Noun(NamedTuple):
    """A person or a thing.

    one, many      the singular and the plural
    deed, deeds    what only this one does ("she rules", "they rule"); "" where it has no deed of its own
    pronoun        what one of them is called: he, she or it; several are "they"
    """

    one: str
    many: str
    deed: str = ""
    deeds: str = ""
    pronoun: str = "it"


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


def _doers(pronoun: str, lines: str) -> tuple[Noun, ...]:
    return tuple(
        Noun(one, many, deed, deeds, pronoun) for one, many, deed, deeds in map(str.split, lines.strip().splitlines())
    )


HE = _doers(
    "he",
    """
    king kings commands command
    man men builds build
    boy boys climbs climb
    father fathers cooks cook
    actor actors acts act
    brother brothers jokes joke
    monk monks prays pray
    uncle uncles fishes fish
    baker bakers bakes bake
    """,
)
SHE = _doers(
    "she",
    """
    queen queens rules rule
    woman women writes write
    girl girls plays play
    mother mothers cares care
    sister sisters sings sing
    daughter daughters dances dance
    nurse nurses heals heal
    aunt aunts knits knit
    witch witches flies fly
    """,
)
IT = _doers(
    "it",
    """
    bell bells rings ring
    clock clocks ticks tick
    dog dogs barks bark
    cat cats purrs purr
    bird birds chirps chirp
    horse horses gallops gallop
    river rivers flows flow
    star stars shines shine
    fire fires burns burn
    ship ships sails sail
    flower flowers blooms bloom
    engine engines roars roar
    """,
)
DOERS = HE + SHE + IT

PLAIN = tuple(
    Noun(*pair.split("/"))
    for pair in _split(
        "tree/trees house/houses hill/hills garden/gardens table/tables chair/chairs cup/cups book/books box/boxes "
        "key/keys road/roads wall/walls window/windows lamp/lamps stone/stones field/fields bridge/bridges hat/hats "
        "apple/apples basket/baskets tower/towers word/words step/steps face/faces journey/journeys day/days "
        "story/stories city/cities"
    )
)
NOUNS = DOERS + PLAIN

ADJECTIVES = _split("old new big small green red dark bright quiet loud warm cold soft heavy clean happy")
PREPOSITIONS = _split("near behind under above beside inside around with")
MEETINGS = _split("met saw knew found heard liked called followed")  # what one does to another: no number in them
LINKS = _split("by after and to")  # "word by word"
LEADS = _split("go read learn walk count")  # "we go step by step"
OWNERS = _split("your our my")
BEGINNINGS = _split("starts begins ends continues")  # "your journey starts with one step"
PRONOUNS = ("he", "she", "it", "they")
MARKS = (".", ":", ";")
OTHERS = ("the", "is", "are", "list", "we", "one", "more")


def _all_words() -> tuple[str, ...]:
    nouns = [word for noun in NOUNS for word in noun[:4] if word]
    rest = (*ADJECTIVES, *PREPOSITIONS, *MEETINGS, *LINKS, *LEADS, *OWNERS, *BEGINNINGS, *PRONOUNS, *OTHERS)
    return tuple(dict.fromkeys((*MARKS, *rest, *nouns)))


VOCABULARY = _all_words()
IDS = {word: number for number, word in enumerate(VOCABULARY)}

ONSETS = _split("b bl br ch cl cr d dr f fl g gl gr h j k l m n p pl pr r s sh sk sl sn sp st t th tr v w y z")
VOWELS = _split("a e i o u ee oo ai ou")
CODAS = _split("b ck d ft g k l ll m mp n nd nk nt p rk rn r st sh t x zz ss th ch y er le")

UNSEEN_SHARE = 8  # one of so many made-up words is never trained on
UNSEEN = frozenset(_split("wug blick dax toma fep zorp glorp snark"))  # nor are these, which people will try

# CRC-32 of words that chance would spell one day, and that are not wanted in an example.
RUDE = {4250742589, 4186136012, 1186385747, 472111804, 1341029461, 4020398583, 3145792061}
RUDE |= {1526089560, 472629405, 4143701574, 3215399127, 762318814, 3227747740, 1824217138}


def made_up(draw: random.Random, unseen: bool = False) -> Noun:
    """A pronounceable word that is no word here, with its regular plural.

    ``unseen`` words are those that training never shows; the others are those that it may.
    """
    while True:
        syllables = draw.choice((1, 1, 2))
        word = "".join(draw.choice(ONSETS) + draw.choice(VOWELS) for _ in range(syllables)) + draw.choice(CODAS)
        rude = zlib.crc32(word.encode()) in RUDE
        if word not in IDS and plural(word) not in IDS and is_unseen(word) == unseen and not rude:
            return Noun(word, plural(word))


def is_unseen(word: str) -> bool:
    """Whether training keeps away from this made-up singular."""
    return word in UNSEEN or zlib.crc32(word.encode()) % UNSEEN_SHARE == 0


def plural(word: str) -> str:
    """The regular plural of an English noun: wugs, boxes, stories."""
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return word[:-1] + "ies"
    return word + "s"
