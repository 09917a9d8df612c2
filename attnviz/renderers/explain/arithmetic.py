"""One query and one key, written out as on paper."""

from __future__ import annotations

import math

import numpy
from rich.cells import cell_len

from attnviz.attention.arrays import to_numpy
from attnviz.attention.formula import Steps
from attnviz.choices import Step
from attnviz.renderers.explain.document import Section
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.matrix import without_middle
from attnviz.trace.contribution import is_known, is_unprojected
from attnviz.trace.steps import Head

LARGEST_EXPONENT = 20  # above it, e^x is no number to write on paper: the row is shifted by its largest value


def pair_section(writer: Writer, head: int, query: int, key: int) -> Section:
    """How ``query`` comes to its weight on ``key`` in one head, from the products to the output.

    Only this query's row is computed, however long the text is.
    """
    paper, say = Paper(writer, head, query, key), writer.say
    lines = [*_turned(writer, head, query, key), *paper.score(), *paper.scaled(), *paper.masked()]
    if bool(paper.steps.blind[0]):
        lines.append(say("pair.blind"))
    else:
        lines += [*paper.exponentials(), *paper.weight(), *paper.output(), *_contribution(writer, head, query, key)]
    title = say(f"title.{'hidden_pair' if paper.hidden else 'pair'}", query=writer.queries[query], key=writer.keys[key])
    return Section(title, "", [] if writer.looks.quiet else _positions(writer, query, key), [], lines)


def _positions(writer: Writer, query: int, key: int) -> list[str]:
    """Where the two stand."""
    say, rule = writer.say, writer.layer.rule
    names = {"query": writer.queries[query].text, "key": writer.keys[key].text}
    sentences = [say("pair.position", query_position=query, key_position=key, **names)]
    offset = rule.offset_for(len(writer.queries), len(writer.keys)) if rule.query_offset else 0
    if offset:
        sentences.append(say("pair.offset", position=query + offset))
    if writer.layer.rotary and writer.rotation is None:
        sentences.append(say("pair.turned"))
    return [*sentences, say("pair.rounded")]


def _turned(writer: Writer, head: int, query: int, key: int) -> list[str]:
    """How their positions turn the two, where that is known: the products begin with what comes of it."""
    rotation, layer = writer.rotation, writer.layer
    if rotation is None:
        return []
    from attnviz.renderers.explain.turning import beyond_pairs, turned_vector

    return [
        *turned_vector(writer, rotation, Step.QUERY, layer.query[head, query], query),
        *turned_vector(writer, rotation, Step.KEY, layer.key[layer.kv_head(head), key], key),
        *beyond_pairs(writer, rotation, layer.query.shape[-1]),
    ]


def _contribution(writer: Writer, head: int, query: int, key: int) -> list[str]:
    """What the key brings to the query's output, where that is asked for."""
    if Step.CONTRIBUTION not in writer.steps or not is_known(writer.layer):
        return []
    from attnviz.renderers.explain.contribution import ContributionSection

    of_query = Head(writer.layer, head, query)
    told = ContributionSection(writer, of_query, of_query.steps, writer.matrices)
    said = "contribution.pair_unprojected" if is_unprojected(writer.layer) else "contribution.pair"
    said = said if writer.layer.toward is None else "contribution.pair_along"
    return [writer.say(said), f"  {told.by_hand(query, key)}"]


class Paper:
    """The lines of one pair; every method writes one step."""

    def __init__(self, writer: Writer, head: int, query: int, key: int) -> None:
        self.layer, self.looks, self.keys = writer.layer, writer.looks, writer.keys
        self.head, self.query, self.key = head, query, key
        self.steps = Steps(*map(to_numpy, self.layer.steps(head, query)))  # (1, keys), (1, d_v)
        self._writer = writer
        self.say, self.more, self._number = writer.say, writer.matrices.more, writer.number
        self.value = to_numpy(self.layer.value[self.layer.kv_head(head)])  # (keys, d_v)
        self.row = self.steps.masked[0]  # (keys,)

    @property
    def hidden(self) -> bool:
        """Whether the query may not look at the key."""
        return bool(self.row[self.key] == -math.inf)

    def score(self) -> list[str]:
        query = to_numpy(self.layer.query[self.head, self.query])
        key = to_numpy(self.layer.key[self.layer.kv_head(self.head), self.key])
        products = [f"{self._factor(a)}×{self._factor(b)}" for a, b in zip(query, key, strict=True)]
        score = self._number(self.steps.scores[0, self.key])
        return [self.say("pair.score"), f"  {' + '.join(self._cut(products))} = {score}"]

    def scaled(self) -> list[str]:
        rule, score = self.layer.rule, self._factor(self.steps.scores[0, self.key])
        dimension, scaled = self.layer.query.shape[-1], self._number(self.steps.scaled[0, self.key])
        if rule.softcap is None:
            before = scaled
        else:
            before = self._number(float(self.steps.scores[0, self.key]) * self.layer.scale)
        if rule.scale is None:
            lines = [
                self.say("pair.root", dimension=dimension),
                f"  {score} / √{dimension} = {score} / {self._writer.factor(math.sqrt(dimension))} = {before}",
            ]
        else:
            scale = self._writer.factor(self.layer.scale)
            factor = f"({scale})" if scale.startswith("-") else scale
            lines = [self.say("pair.scaled", scale=scale), f"  {score} × {factor} = {before}"]
        if rule.softcap is not None:
            cap = f"{rule.softcap:g}"
            lines += [self.say("pair.softcap", softcap=cap), f"  {cap} · tanh({before} / {cap}) = {scaled}"]
        return lines

    def masked(self) -> list[str]:
        scaled, masked = self.steps.scaled[0, self.key], self.row[self.key]
        if self.hidden:
            return [self.say("pair.hidden")]
        if self.layer.rule.bias is None:
            return [self.say("pair.visible")]
        bias = self._factor(masked - scaled)
        return [self.say("pair.bias"), f"  {self._number(scaled)} + {bias} = {self._number(masked)}"]

    def exponentials(self) -> list[str]:
        entries, shift = self._entries(), self._shift()
        heading = self.say("pair.shifted", largest=self._factor(shift)) if shift else self.say("pair.exponentials")
        width = max(cell_len(name) for name, _ in entries)
        lines = []
        for name, logit in entries:
            power = numbers.HIDDEN if logit == -math.inf else self._number(logit - shift)
            lines.append(
                f"  {name}{' ' * (width - cell_len(name))}  e^{power} = {self._digits(math.exp(logit - shift))}"
            )
        total = " + ".join(self._cut([self._digits(math.exp(logit - shift)) for _, logit in entries]))
        return [heading, *self._cut(lines, "  "), f"  {total} = {self._digits(self._total())}"]

    def weight(self) -> list[str]:
        exponential = self._digits(math.exp(float(self.row[self.key]) - self._shift()))
        weight = self._digits(float(self.steps.weights[0, self.key]))
        return [self.say("pair.weight"), f"  {exponential} / {self._digits(self._total())} = {weight}"]

    def output(self) -> list[str]:
        weights = self.steps.weights[0]
        terms = [
            f"{self._digits(weight)}×{self._vector(vector)}"
            for weight, vector in zip(weights.tolist(), self.value, strict=True)
        ]
        return [
            self.say("pair.output"),
            f"  {' + '.join(self._cut(terms))}",
            f"  = {self._vector(self.steps.output[0])}",
        ]

    def _entries(self) -> list[tuple[str, float]]:
        """What shares the row's mass: every key, and the sink if there is one, each with its logit."""
        entries = [(key.plain, logit) for key, logit in zip(self.keys, self.row.tolist(), strict=True)]
        if self.layer.rule.sinks is not None:
            entries.append((self.say("pair.sink"), float(self.layer.rule.sinks[self.head])))
        return entries

    def _shift(self) -> float:
        """0 where e^x can be written on paper, as it can where it is 0, else the largest value of the row."""
        logits = [logit for _, logit in self._entries()]
        largest = max(logits)
        seen = (abs(logit) for logit in logits if logit > -math.inf)
        return largest if max(seen) > LARGEST_EXPONENT else 0.0

    def _total(self) -> float:
        shift = self._shift()
        return math.fsum(math.exp(logit - shift) for _, logit in self._entries())

    def _cut(self, terms: list[str], indent: str = "") -> list[str]:
        """``terms``, a long list cut in the middle, the cut said in words."""
        most = self.looks.max_tokens
        return without_middle(terms, most, indent + self.more(len(terms) - most))

    def _digits(self, value: float) -> str:
        return numbers.significant(value, self.looks.precision)

    def _factor(self, value: float) -> str:
        return numbers.factor(value, self.looks.precision)

    def _vector(self, values: numpy.ndarray) -> str:
        return numbers.vector(values, self.looks.precision, most=8)
