"""What makes traces of texts: a real model, which is loaded once, or the one in the package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from attnviz.choices import Backend, is_tiny
from attnviz.cli.input.models import load_model, require_numpy
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.source import BatchOptions
from attnviz.cli.output.progress import no_line, progress
from attnviz.cli.output.streams import notice
from attnviz.errors import AttnvizError
from attnviz.sources.given import Then, as_it_is
from attnviz.text.message import Message

if TYPE_CHECKING:
    from PIL.Image import Image

    from attnviz.sources.huggingface.trace_texts import Batches
    from attnviz.trace.origin import Origin
    from attnviz.trace.trace import Trace
    from attnviz.trace.weights_of_texts import StartWeighing


def model_traces(
    options: ModelOptions,
    engine: EngineOptions,
    layer: Sequence[str],
    toward: str | None = None,
    predictions: int | None = None,
) -> ModelTraces | TinyTraces:
    """What makes traces of texts with the model that the options name; ``toward``: and with the direction of a token;
    ``predictions``: and with so many next tokens after each position."""
    if not is_tiny(options.model):
        return ModelTraces(options, engine, layer, toward, predictions)
    if toward is not None:
        from attnviz.sources.readers import no_directions

        raise no_directions()
    return TinyTraces(options, engine, layer, predictions)


class TinyTraces:
    """Texts to the traces of the model in the package."""

    reads_images = False

    def __init__(
        self, options: ModelOptions, engine: EngineOptions, layer: Sequence[str], predictions: int | None = None
    ) -> None:
        require_numpy(options, engine)
        from attnviz.sources.tiny.loading import load
        from attnviz.sources.tiny.notices import Spelled

        self.model, self.options, self.layer = load(str(options.model)), options, layer
        self.predictions = predictions
        self.quiet = False  # set where many texts are read: what is said of one is said once of all
        self._spelled = Spelled()

    def __call__(self, text: str, picture: Image | None = None) -> Trace:
        from attnviz.sources.tiny.trace import read

        if picture is not None:
            raise AttnvizError("the model in the package reads words, and no image", "leave out --image")
        trace = read(
            self.model,
            text,
            layer=self.layer,
            target=self.options.target,
            chat=self.options.chat,
            pair=self.options.pair,
            verify=self.options.verify,
            predictions=self.predictions,
        )
        self._spelled.add(self.model.words(trace.tokens))
        if not self.quiet:
            self.tell()
        return trace

    def fit(self, text: str, reading: BatchOptions) -> str:
        """As much of a text as may be read."""
        from attnviz.sources.texts.length import Length, in_words

        return Length(reading.max_length).within(self.model.positions).fitted(text, in_words())

    def tell(self) -> None:
        """Say how many words were read by their letters, if any were."""
        if (said := self._spelled.notice()) is not None:
            notice(said)


class ModelTraces:
    """Texts to the traces of one model, which is loaded once."""

    def __init__(
        self,
        options: ModelOptions,
        engine: EngineOptions,
        layer: Sequence[str],
        toward: str | None = None,
        predictions: int | None = None,
    ) -> None:
        self.options, self.engine, self.layer = options, engine, layer
        self.toward, self.predictions = toward, predictions
        self.quiet = False  # set where the progress over many texts is shown instead
        self._told = False  # what cannot be watched is the same in every text
        self.model = load_model(options, engine, writes=predictions is not None, predicts=toward is not None)

    @property
    def reads_images(self) -> bool:
        """Whether the model's tokens are patches of an image."""
        return self.model.reads_images

    def __call__(self, text: Any, picture: Image | None = None) -> Trace:
        with nullcontext(no_line) if self.quiet else progress("layers") as line:
            from attnviz.sources.huggingface.trace_model import trace as read

            trace = read(
                self.model,
                text,
                layer=self.layer,
                target=self.options.target,
                chat=self.options.chat,
                image=picture,
                verify=self.options.verify,
                pair=self.options.pair,
                toward=self.toward,
                predictions=self.predictions,
                progress=lambda done, of: line("layers", done, of),
            )
        return self._handed_on(trace)

    def many(
        self,
        batches: Batches,
        texts: Sequence[str],
        report: Callable[[int], None],
    ) -> Iterator[tuple[int, Any]]:
        """What is made of the trace of each text by these ``batches``, or why there is none, with its place."""
        from attnviz.sources.given import Given

        given = [Given(text, self.options.target, self.options.pair) for text in texts]
        yield from batches.window([*enumerate(given)], report)

    def fit(self, text: str, reading: BatchOptions) -> str:
        """As much of a text as may be read."""
        return self.batches(reading).asking.fit(text, self.options.pair)

    def batches(self, reading: BatchOptions, then: Then = as_it_is, weigh: StartWeighing | None = None) -> Batches:
        """What reads several texts at once, and makes of the trace of each what ``then`` does, in any thread; or ``weigh`` of the weights
        of several."""
        from attnviz.sources.huggingface.trace_texts import Batches
        from attnviz.sources.texts.length import Length

        return Batches(
            self.model,
            layer=self.layer,
            chat=self.options.chat,
            verify=self.options.verify,
            batch=reading.batch,
            predictions=self.predictions,
            length=Length(reading.max_length, reading.cut),
            then=lambda trace: then(self._handed_on(trace)),
            weigh=None if self.engine.backend is Backend.NUMPY else weigh,
        )

    def _handed_on(self, trace: Trace) -> Trace:
        if not self._told:
            tell_unseen(trace.source)
            self._told = True
        return trace.to(Backend.NUMPY.value) if self.engine.backend is Backend.NUMPY else trace


def tell_unseen(source: Origin) -> None:
    """Say what cannot be shown of the model; that is so in every text."""
    if source.unseen:
        notice(
            Message(
                "not shown, because they compute attention in their own way: {unseen}",
                unseen=", ".join(source.unseen),
            )
        )
    from attnviz.trace.layer_facts import layers_words

    for reason in dict.fromkeys(source.because.values()):
        titles = [title for title, said in source.because.items() if said == reason]
        notice(Message("only the weights are known of {layers}: {reason}", layers=layers_words(titles), reason=reason))
