"""What attnviz.stats does where it is asked for effects: it takes heads away from a model, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attnviz.api.by_text import rows_written
from attnviz.api.gathered import gather
from attnviz.api.many import length_of
from attnviz.api.reading import LOADING
from attnviz.api.workers import by_workers, named_model
from attnviz.arguments import Chosen, as_asked, chosen, member, quantiles_of, text_of, whole_number
from attnviz.choices import EFFECT, TOP_TEXTS_LIMITS, Ablation, Effect, Language, listed_words
from attnviz.errors import AttnvizError
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from attnviz.analysis.effect_corpus import EffectStatistics
    from attnviz.api.workers import Workforce
    from attnviz.renderers.effects.stats import EffectStats
    from attnviz.renderers.stats.text_rows import Write
    from attnviz.trace.ablation import Predictor

OF_EACH = ("target", "chat", "pair")  # of each text that it reads


def of_effects(metrics: str | Iterable[str]) -> bool:
    """Whether effects are asked for; AttnvizError where metrics of weights are, too."""
    words = listed_words(metrics) if isinstance(metrics, str) else metrics
    if not isinstance(words, list | tuple | set) or EFFECT not in words:
        return False
    if len(words) > 1:
        raise AttnvizError(
            "metrics are {effect} and others: the effect of heads is measured alone",
            "ask for the others in a call of their own",
            effect=EFFECT,
        )
    return True


def effects(
    by: Workforce | None,
    texts: Any,
    model: Any,
    sort: str | None,
    layer: Chosen,
    head: Chosen,
    answer: str | None,
    ablate: str,
    language: str,
    tokenizer: Any,
    making: Mapping[str, Any],
    usual: Mapping[str, Any],
    by_text: Any,
    quantiles: Any,
    top_texts: Any,
    max_length: int | None,
    cut: bool,
    **unread: Any,
) -> EffectStats:
    """The effects of the heads of ``model``, by these workers or in this process; ``unread`` are the options of attnviz.stats that are for weights,
    and ``usual`` what they are where nobody gives them."""
    from attnviz.analysis.effect_corpus import EffectStatistics
    from attnviz.corpora.effect_job import EffectJob
    from attnviz.renderers.effects.stats import EffectStats

    _require_a_model(
        model, unread | {name: value for name, value in making.items() if name not in LOADING + OF_EACH}, usual
    )
    first = None if sort is None else member(Effect, sort, "sort")
    ablation, spoken = member(Ablation, ablate, "ablate"), member(Language, language, "language")
    layers, heads = chosen("layer", layer), chosen("head", head)
    measured: dict[str, Any] = {
        "ablation": ablation,
        "quantiles": quantiles_of(quantiles),
        "top_texts": whole_number("top_texts", top_texts, TOP_TEXTS_LIMITS),
    }
    statistics = EffectStatistics(**measured)
    length, of_each = length_of(max_length, cut), {name: making[name] for name in OF_EACH if name in making}
    of_each |= {"max_length": length.most, "cut": length.cut}
    statistics.asked = as_asked(layer=layers, head=heads, answer=answer, **of_each)
    if answer is not None:
        text_of("answer", answer)
    with rows_written(by_text, statistics.kept) as write:
        if by is not None:
            loaded = {name: making[name] for name in LOADING if name in making}
            loaded |= {} if tokenizer is None else {"tokenizer": tokenizer}
            meant, rows = (of_each, tuple(layers), tuple(heads), answer), by_text is not None
            job = EffectJob(named_model(model), loaded, *meant, measured, statistics.asked, rows)
            found, errors = by_workers(by, job, texts, write)
            return EffectStats(found, first, spoken, errors, answer is not None)
        predictor = _predictor(model, tokenizer, making)
        add = _adding(statistics, predictor, answer, of_each, layers, heads, write)
        return EffectStats(statistics, first, spoken, gather(statistics, texts, add), answer is not None)


def _adding(
    statistics: EffectStatistics,
    predictor: Predictor,
    answer: str | None,
    of_each: Mapping[str, Any],
    layers: Sequence[str],
    heads: Sequence[str],
    write: Write,
) -> Callable[[Any, str], None]:
    """What measures the effects on a text, and adds them."""
    meant = None if answer is None else predictor.answer(answer)

    def add(text: Any, name: str) -> None:
        from attnviz.analysis.effects import measure_effects

        text = getattr(text, "text", text)  # of a corpus
        if isinstance(text, Trace):
            raise AttnvizError("a trace brings no model that could run without a head", "give its text, and a model")
        read = predictor.read(text, **of_each)
        statistics.add(measure_effects(read, meant, statistics.ablation, layer=layers, head=heads), name)
        write(statistics.rows())

    return add


def require_no_effect(answer: Any, ablate: Any) -> None:
    """Refuse what only effects understand."""
    given = {"answer": answer is not None, "ablate": ablate != Ablation.MEAN}
    for name in (name for name, is_given in given.items() if is_given):
        raise AttnvizError("{name} is for metrics=[{effect!r}]", name=name, effect=EFFECT)


def _predictor(model: Any, tokenizer: Any, making: Mapping[str, Any]) -> Predictor:
    from attnviz.sources.predictors import predictor

    return predictor(model, tokenizer, **{name: making[name] for name in LOADING if name in making})


def _require_a_model(model: Any, unread: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    """Refuse texts that no model reads, and what chooses among its weights."""
    if model is None:
        raise AttnvizError(
            "the effect of heads is measured by taking them away from a model, and none is given",
            "give a model that reads the texts",
        )
    for name, value in unread.items():
        if name != "metrics" and value != usual.get(name, ...):
            raise AttnvizError("{name} means nothing to the effect of heads", "leave it out", name=name)
