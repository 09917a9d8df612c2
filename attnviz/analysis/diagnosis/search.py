"""Which mistakes, alone or in pairs, explain an output: each is computed and compared, and only what reaches rounding counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy

from attnviz.analysis.diagnosis.computing import computed
from attnviz.analysis.diagnosis.evidence import Evidence, Judged, usual
from attnviz.analysis.diagnosis.fitting import fitted
from attnviz.analysis.diagnosis.recipe import Array, Recipe, View
from attnviz.analysis.diagnosis.regions import Region, region_of
from attnviz.analysis.diagnosis.registry import ENTRIES, Entry, Fitted, Variant, entries
from attnviz.attention.arrays import overflow_unspoken

UNLIKELY = 0.7  # what leaves more than this part of the difference explains nothing, and is not looked at closer
ROUGHLY = 10.0  # nor what is further than this times what rounding allows of what was meant: a larger scale allows more
AS_WELL = 1.5  # an explanation that leaves this times what the best leaves explains less well
FLAT = 2.0  # times what rounding may do, within which outputs are as good as the mean of all values
SINGLE = 24  # bits from which a mean of all values is told from what is near it
LEAST = 0.01  # of what rounding may do, that it does
A_LITTLE = 2.0  # times what rounding allows and does, to which a row that is explained may be off
FAR_OFF = 1e3  # times what rounding allows: where it was off by this before
LEFT = 0.35  # of the difference that an explanation may leave
USUAL = 0.05  # what rounding leaves anyway, in parts of what it may: no explanation is better for leaving less
WORSE_THAN_FITTED = 1.25  # a number that was found leaves a little less than one that was known, by chance
TELLING_ROWS = 8  # of one head: what does not explain these is not computed whole
FEW_ROWS, LONG = 4, 512  # so many of more keys than these
PAIRS = 4000  # that are tried; of longer texts fewer, as each takes longer
SMALL = 1 << 15  # products of a key and a query of the telling rows, up to which all of these pairs are tried
LITTLE = 0.1  # of that effort: of texts beyond, no other scale is looked for beside a mistake, which takes the longest
SCALES = (0.1, 0.3, 0.6, 1.5, 3.0)  # times the scale that was meant, where another is looked for beside a mistake
USUAL_WAYS = 5  # of making a mistake that are tried with another


class Named(NamedTuple):
    """A mistake that was made, and its number."""

    name: str
    value: float | None


class Explanation(NamedTuple):
    """Mistakes that together give what came out.

    left     the mean square root of what they leave, in parts of what rounding allows, where the output departs
    rest     the same as it is
    found    whether a number of it was found, and not known before
    """

    named: tuple[Named, ...]
    recipe: Recipe
    region: Region
    judged: Judged
    left: float
    rest: float
    found: bool


class Candidate(NamedTuple):
    """A recipe to be judged."""

    named: tuple[Named, ...]
    recipe: Recipe
    found: bool = False


def explanations(evidence: Evidence, pairs: bool = True) -> list[Explanation]:
    """All that explain the output as well as each other: single mistakes, or where there is none, ``pairs``."""
    view = telling(evidence)
    limit = _limit(evidence, view)
    single = _explained(evidence, _likely(evidence, _singles(evidence, view), view, limit))
    if single or not pairs:
        return best(single)
    effort = min(1.0, SMALL / (len(view.rows) * evidence.meant.keys * evidence.meant.dimension))
    tried = islice(_pairs(evidence), int(PAIRS * effort))
    found = _explained(evidence, _likely(evidence, tried, view, limit))
    if not found and effort > LITTLE:
        found = _explained(evidence, _likely(evidence, _with_a_scale(evidence, view), view, limit))
    return best(found)


def telling(evidence: Evidence) -> View:
    """Some rows that depart, of the head that departs most: spread over its queries, the worst among them."""
    judged = evidence.judged
    bad = ~judged.fine
    finite = numpy.where(numpy.isfinite(judged.apart), judged.apart, 0)
    counts = bad.sum(-1) + finite.sum(-1) / (1 + finite.sum())
    item, head = numpy.unravel_index(int(counts.argmax()), counts.shape)
    places = numpy.flatnonzero(bad[item, head])
    count = (TELLING_ROWS if evidence.meant.keys <= LONG else FEW_ROWS) - 1
    spread = places[numpy.linspace(0, len(places) - 1, count).astype(int)] if len(places) else places
    worst = places[judged.apart[item, head][places].argmax()]
    rows = numpy.unique(numpy.append(spread, worst))
    return View(evidence.view.items[[item]], evidence.view.heads[[head]], evidence.view.rows[rows])


def _limit(evidence: Evidence, view: View) -> float:
    """What a recipe may leave on the telling rows, to be looked at closer."""
    largest = abs(evidence.judged.found.output).max()
    allowed = math.sqrt(float((evidence.judged.allowed**2).mean())) * evidence.size / (largest or evidence.size)
    return min(UNLIKELY * evidence.left(evidence.meant, view), ROUGHLY * allowed)


def _singles(evidence: Evidence, view: View) -> Iterator[Candidate]:
    for entry in entries():
        yield from _made(evidence, entry, Candidate((), evidence.meant), view)


def _made(evidence: Evidence, entry: Entry, before: Candidate, view: View) -> Iterator[Candidate]:
    """What a mistake makes of a recipe, in all its variants."""
    for variant in entry.variants(before.recipe):
        known = variant if isinstance(variant, Variant) else fitted(evidence, variant, view)
        if known is not None:
            named = (*before.named, Named(entry.name, known.value))
            yield Candidate(named, known.recipe, before.found or isinstance(variant, Fitted))


def _pairs(evidence: Evidence) -> Iterator[Candidate]:
    """Two mistakes together."""
    paired = [entry for entry in entries() if entry.pairs]
    for place, first in enumerate(paired):
        for one in islice(_known(first, Candidate((), evidence.meant)), USUAL_WAYS):
            for second in paired[place + 1 :]:
                yield from islice(_known(second, one), USUAL_WAYS)


def _with_a_scale(evidence: Evidence, view: View) -> Iterator[Candidate]:
    """A mistake together with a scale that is found."""
    for entry in entries():
        if entry.pairs and not entry.name.startswith("scale"):
            for one in islice(_known(entry, Candidate((), evidence.meant)), USUAL_WAYS):
                scaled = fitted(evidence, _scaled(one.recipe), view)
                if scaled is not None:
                    yield Candidate((*one.named, Named("scale-value", scaled.value)), scaled.recipe, True)


def _scaled(recipe: Recipe) -> Fitted:
    return Fitted(lambda scale: recipe.but(scale=scale), tuple(recipe.scale * step for step in SCALES))


def _known(entry: Entry, before: Candidate) -> Iterator[Candidate]:
    """The variants whose numbers are known."""
    for variant in entry.variants(before.recipe):
        if isinstance(variant, Variant):
            yield Candidate((*before.named, Named(entry.name, variant.value)), variant.recipe)


def _likely(evidence: Evidence, candidates: Iterable[Candidate], view: View, limit: float) -> Iterator[Candidate]:
    """Those that come near on the telling rows."""
    for candidate in candidates:
        left = evidence.left(candidate.recipe, view)
        if left <= limit and left < math.inf:
            yield candidate


def _explained(evidence: Evidence, candidates: Iterable[Candidate]) -> list[Explanation]:
    """Those that reach rounding wherever the output departs, and are right where it does not."""
    found: list[Explanation] = []
    blank: list[Explanation] = []
    for candidate in candidates:
        judged = evidence.judge(candidate.recipe, evidence.view)
        region = region_of(evidence.judged.fine, _fine(evidence, judged), evidence.view)
        if region is None or (candidate.recipe.read is not None and not region.is_whole):
            continue
        bad = ~evidence.judged.fine
        left = left_of(judged, bad)
        rest, before = _size(judged, bad), _size(evidence.judged, bad)
        noise = usual(bad.sum() * judged.difference.shape[-1]) * (A_LITTLE if rest * FAR_OFF < before else 1)
        if left > noise or rest > LEFT * before:
            continue
        explanation = Explanation(candidate.named, candidate.recipe, region, judged, left, rest, candidate.found)
        if _is_told_by_hidden_rows(evidence, candidate.recipe, judged):
            blank.append(explanation)
            continue
        if not region.is_whole and _is_of_all(evidence, candidate, region):
            continue
        if _flattens(evidence, candidate) and _is_empty(evidence, candidate.recipe, judged):
            continue
        found.append(explanation)
    return [*found, *blank] if _is_never_written(found) else found


def _fine(evidence: Evidence, judged: Judged) -> Array:
    """The rows that are explained. What mistakes make of numbers may round a little further than attention does; where what
    departs was far off, what is left is no other mistake."""
    far = evidence.judged.apart >= FAR_OFF
    fine: Array = judged.fine | (far & (judged.apart <= A_LITTLE))
    return fine


def _is_never_written(found: list[Explanation]) -> bool:
    """Whether all is 0 and only that explains it: then so does any mistake that leaves nothing to see."""
    return bool(found) and all(one.named[0].name == "output-zero" for one in found)


def _is_of_all(evidence: Evidence, candidate: Candidate, region: Region) -> bool:
    """Whether a mistake is none in the region alone: it is one of the order of all heads, or leaves zeros there, as many would."""
    if region.heads != "all" and any(ENTRIES[one.name].all_heads for one in candidate.named):
        return True
    zero = not evidence.target(candidate.recipe, evidence.view)[~evidence.judged.fine].any()
    return zero and (candidate.named[0].name != "output-zero" or region.queries != "all")


def _is_told_by_hidden_rows(evidence: Evidence, recipe: Recipe, judged: Judged) -> bool:
    """Whether all rows that depart are hidden by the mistake, and hold what is excused there: any that hides them would do."""
    if recipe.blind != 0:
        return False
    blind = (judged.found.logits == -math.inf).all(-1)
    empty = (evidence.target(recipe, evidence.view) == 0).all(-1)
    return bool(blind.all()) or not bool((~evidence.judged.fine & ~(blind & ~empty)).any())


def _flattens(evidence: Evidence, candidate: Candidate) -> bool:
    """Whether a number of the mistake may make the weights as flat as one likes, beside rounding that hides how flat."""
    numbers = candidate.found or any(one.name == "scale-value" for one in candidate.named)
    return numbers and evidence.arithmetic.bits < SINGLE


def _is_empty(evidence: Evidence, recipe: Recipe, judged: Judged) -> bool:
    """Whether what a mistake gives is hardly further from the plain mean of all values than rounding may take it: then any that
    flattens the weights would do, and the numbers speak for none."""
    flat = computed(recipe.but(scale=0.0), evidence.view).output
    with overflow_unspoken():
        further = ((judged.found.output - flat) ** 2).mean()
        return bool(further <= FLAT**2 * (judged.allowed**2).mean())


def is_noise(judged: Judged) -> bool:
    """Whether all rows are off as far as rounding takes them: neither further, nor so little that it must be something else."""
    left = left_of(judged, numpy.ones(judged.fine.shape, bool))
    return LEAST <= left <= usual(judged.difference.size)


def _size(judged: Judged, bad: Array) -> float:
    """The mean square root of the difference in the rows that departed, where it is finite."""
    some = judged.difference[bad]
    some = some[numpy.isfinite(some)]
    return float(numpy.sqrt((some**2).mean())) if some.size else 1.0


def left_of(judged: Judged, bad: Array) -> float:
    """The mean square root of the difference in parts of what is allowed, in the rows that departed."""
    parts = numpy.where(
        judged.difference == 0, 0, judged.difference / numpy.where(judged.allowed == 0, 1, judged.allowed)
    )
    return math.sqrt(float((parts[bad] ** 2).mean()))


def best(found: list[Explanation]) -> list[Explanation]:
    """Those that explain as well as the best, each name once: a known number before one that was found."""
    if not found:
        return []
    known = [one for one in found if not one.found]
    least = min(one.left for one in found)
    if known and min(one.left for one in known) <= max(WORSE_THAN_FITTED * least, USUAL):
        found = known
    whole = [one for one in found if one.region.is_whole]
    found = whole or found
    least, smallest = min(one.left for one in found), min(one.rest for one in found)
    as_well = (one for one in found if one.left <= max(AS_WELL * least, USUAL) or one.rest <= AS_WELL * smallest)
    good = sorted(as_well, key=lambda one: one.left)
    by_name: dict[tuple[str, ...], Explanation] = {}
    for one in good:
        by_name.setdefault(tuple(named.name for named in one.named), one)
    return list(by_name.values())
