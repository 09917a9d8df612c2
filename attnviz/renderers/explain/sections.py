"""What explain shows, decided as data: headings, sentences, matrices. The renderers only draw it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attnviz.attention.arrays import to_numpy
from attnviz.choices import Step
from attnviz.progress import Progress, no_progress
from attnviz.renderers.explain.document import Heading, Part, Section
from attnviz.renderers.explain.head_sections import TOLD_OF_A_HEAD, HeadSections
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.facts import row_sums
from attnviz.renderers.shared.labels import LABEL_CELLS, name, worn
from attnviz.renderers.shared.matrix import Looks
from attnviz.text.display import shorten, shown_line
from attnviz.trace.selection import LayerSelection, Selection, is_long
from attnviz.trace.steps import STEPS, HeadByHead, Owner, TogetherSteps, steps_of
from attnviz.trace.trace import Trace


def explain(
    trace: Trace,
    selection: Selection,
    looks: Looks,
    report: Progress = no_progress,
    told: set[str] | None = None,
) -> Iterator[Part]:
    """Everything that explain says of the selected part of ``trace``, in the order in which a person computes it.

    ``report`` is told how much is done, of how much, where that takes long: in each layer of a long text anew.
    ``told`` are the general sentences that stand above already, of other traces too: each stands once.
    """
    told = set() if told is None else told
    facts = _drawn(trace, selection, looks, told) or _choice(trace, looks) or row_sums(trace.source, looks.lessons)
    yield Heading(1, _sentence(_shown_tokens(trace, selection.layers), looks.max_tokens), facts)
    for selected in selection.layers:
        writer = Writer(trace, selected, selection.steps, looks, told)
        yield _layer_heading(writer)
        yield from _layer(writer, report)


def _drawn(trace: Trace, selection: Selection, looks: Looks, told: set[str]) -> str:
    """That the numbers are made up, where they are and nobody has said so."""
    words = looks.lessons.say("explain.drawn")
    if not trace.source.drawn or Step.WEIGHTS not in selection.steps or looks.quiet or words in told:
        return ""
    told.add(words)
    return words


def _choice(trace: Trace, looks: Looks) -> str:
    """What a model chose last, which is no row, where it has written the text itself."""
    generation = trace.generation
    if generation is None or looks.quiet:
        return ""
    token = name(generation.chosen[-1])
    if not generation.probabilities:
        return looks.lessons.say("generate.unsure", token=token)
    return looks.lessons.say("generate.choice", token=token, share=numbers.brief_percent(generation.probabilities[-1]))


def _layer(writer: Writer, report: Progress) -> Iterator[Part]:
    if writer.selected.pair is not None and not writer.layer.weights_alone:
        yield from _by_head(writer, _pairs(writer, *writer.selected.pair))
    elif writer.looks.top is not None or is_long(writer.layer):
        yield from _by_head(writer, _top(writer, report))
    else:
        yield from _before_heads(writer)
        yield from _heads(writer)


def _layer_heading(writer: Writer) -> Heading:
    layer, say = writer.layer, writer.say
    if layer.stack:  # as --layer names it
        title = say("label.layer", layer=layer.title)
    else:
        title = say("label.layer", layer=layer.index) + (
            f": {shorten(shown_line(layer.name), LABEL_CELLS)}" if layer.name else ""
        )
    line = _facts(writer)
    if writer.error is not None:
        near = say("label.agreement", error=f"{writer.error:.1e}") if writer.error else say("label.agreement_exact")
        line += f" · {near}"
    return Heading(2, title, line)


def _facts(writer: Writer) -> str:
    """How much there is of the layer, and by which factor its scores are scaled."""
    layer, say = writer.layer, writer.say
    counts = (
        {"tokens": len(writer.queries)}
        if layer.key_tokens is None
        else {"queries": len(writer.queries), "keys": len(writer.keys)}
    )
    if layer.weights_alone:
        if writer.trace.source.merged and layer.key_tokens is None:
            return say("label.facts_words", heads=layer.heads, **counts)
        return say("label.facts_alone" if layer.key_tokens is None else "label.keys_alone", heads=layer.heads, **counts)
    facts = {"heads": layer.heads, "dimension": layer.query.shape[-1], "scale": writer.factor(layer.scale)}
    return say("label.facts" if layer.key_tokens is None else "label.keys", **counts, **facts)


def _before_heads(writer: Writer) -> Iterator[Section]:
    """The vectors of the tokens, and what is added to them."""
    told = {Step.EMBEDDINGS: _embeddings, Step.POSITIONS: _positions, Step.INPUTS: _inputs}
    for step in steps_of(Owner.LAYER):
        wanted = step in writer.steps and step not in TOLD_OF_A_HEAD and STEPS[step].known(writer.layer)
        if wanted and STEPS[step].array(writer.layer) is not None:
            yield told[step](writer) if step in told else writer.plain_section(step, writer.layer)


def _embeddings(writer: Writer) -> Section:
    alone = writer.layer.positions is None  # nothing is added to them
    embeddings, first = to_numpy(writer.layer.embeddings), writer.selected.all_queries[0]
    read = "embeddings.passed" if writer.layer.index else "embeddings.what"
    sentences = [
        *writer.new(writer.say(read if alone else "embeddings.placed", dimension=embeddings.shape[1])),
        writer.say("embeddings.here", token=writer.queries[first], vector=writer.vector(embeddings[first])),
        *_same(writer, Step.EMBEDDINGS),
    ]
    return writer.section(Step.EMBEDDINGS, "X" if alone else "E", sentences, writer.matrices.of_tokens(embeddings))


def _positions(writer: Writer) -> Section:
    matrix = writer.matrices.of_tokens(writer.layer.positions)
    what = "positions.what" if writer.trace.source.has_sines else "positions.learned"
    return writer.section(Step.POSITIONS, "P", writer.new(writer.say(what)), matrix)


def _inputs(writer: Writer) -> Section:
    sentences = [*writer.new(writer.say("inputs.what")), *_same(writer, Step.INPUTS)]
    return writer.section(Step.INPUTS, "X = E + P", sentences, writer.matrices.of_tokens(writer.layer.inputs))


def _same(writer: Writer, step: Step) -> list[str]:
    """Where X is shown, that Q, K and V are the same, if they are."""
    return writer.new(writer.say("query.same")) if writer.bare and step is writer.inputs else []


def _heads(writer: Writer) -> Iterator[Part]:
    heads = HeadByHead(writer.layer, writer.selected.heads, writer.steps)
    first = None
    for head in heads:
        sections = HeadSections(writer, head)
        parts = list(sections.parts() if first is None else _other_head(first, sections))
        if parts and writer.layer.heads > 1:
            yield _head_heading(writer, head.head)
        yield from parts
        if writer.walks and not writer.looks.every:
            first = first or sections
    if (together := heads.together) is not None:
        yield from _after_heads(writer, together)


def _other_head(first: HeadSections, other: HeadSections) -> Iterator[Part]:
    from attnviz.renderers.explain.other_heads import other_head

    return other_head(first, other)


def _pairs(writer: Writer, query: int, key: int) -> Iterator[list[Section]]:
    from attnviz.renderers.explain.arithmetic import pair_section

    for head in writer.selected.heads:
        yield [pair_section(writer, head, query, key)]


def _top(writer: Writer, report: Progress) -> Iterator[list[Section]]:
    if not writer.selected.narrows_keys:
        from attnviz.renderers.explain.top_keys import top_keys

        for head in writer.selected.heads:
            yield list(top_keys(writer, head))
        return
    from attnviz.renderers.explain.top_queries import asked_keys, top_queries

    for sections in zip(*(top_queries(writer, key, report) for key in asked_keys(writer)), strict=True):
        yield list(sections)


def _by_head(writer: Writer, of_heads: Iterator[list[Section]]) -> Iterator[Part]:
    """What is said of each head that is shown, below its heading."""
    for head, sections in zip(writer.selected.heads, of_heads, strict=True):
        if writer.layer.heads > 1:
            yield _head_heading(writer, head)
        yield from sections


def _head_heading(writer: Writer, head: int) -> Heading:
    layer = writer.layer
    if layer.group == 1:
        title = writer.say("label.head", head=head)
    else:
        title = writer.say("label.kv_head", head=head, kv_head=layer.kv_head(head))
    return Heading(3, title + worn(writer.trace, layer, head, writer.looks.lessons))


def _after_heads(writer: Writer, together: TogetherSteps) -> Iterator[Part]:
    """What follows from the outputs of all heads."""
    layer = writer.layer
    if layer.heads > 1:
        yield Heading(3, writer.say("label.together"))
    told = {Step.CONCAT: _concat, Step.PROJECTED: _projected, Step.SUMMED: _summed}
    for step in steps_of(Owner.HEADS):
        if step in writer.steps and STEPS[step].known(layer):
            yield told[step](writer, together) if step in told else writer.plain_section(step, together)


def _concat(writer: Writer, together: TogetherSteps) -> Section:
    heads, dimension = writer.layer.heads, writer.layer.value.shape[-1]
    sentences = writer.new(writer.say("concat.what", heads=heads, dimension=dimension, width=heads * dimension))
    matrix = writer.matrices.of_queries(together.concat)
    return writer.section(Step.CONCAT, writer.say("concat.formula"), sentences, matrix)


def _projected(writer: Writer, together: TogetherSteps) -> Section:
    formula = f"projected = {'concat' if writer.layer.heads > 1 else 'output'} W_O"
    weight = writer.matrices.of_projection("W_O", writer.layer.projections["output"])
    result = writer.matrices.of_queries(together.projected)
    return writer.section(Step.PROJECTED, formula, writer.new(writer.say("projected.what")), weight, result)


def _summed(writer: Writer, together: TogetherSteps) -> Section:
    from attnviz.renderers.explain.contribution import summed_section

    return summed_section(writer, together)


def _shown_tokens(trace: Trace, selected_layers: Sequence[LayerSelection]) -> Sequence[str]:
    """The tokens of the text, without those that every layer which reads it leaves out."""
    readers = [selected for selected in selected_layers if selected.layer.tokens is None]
    if not readers or any(selected.queries is None for selected in readers):
        return trace.tokens
    return [trace.tokens[place] for place in sorted({place for selected in readers for place in selected.all_queries})]


def _sentence(tokens: Sequence[str], most: int) -> str:
    """The tokens as one line, so that a person sees where they are cut."""
    names = [name(token) for token in (tokens if len(tokens) <= 2 * most else [*tokens[:most], "…", *tokens[-most:]])]
    return " ".join(names)
