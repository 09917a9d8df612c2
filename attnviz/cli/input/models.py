"""From options to a real model's traces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attnviz.attention.memory import MODELS, lacks_memory, require_left
from attnviz.choices import Backend, is_tiny
from attnviz.cli.options.engine import DeviceOptions, EngineOptions
from attnviz.cli.options.model import LoadOptions, ModelOptions, NamedModelOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.source import BatchOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.progress import no_line, progress
from attnviz.cli.output.streams import notice
from attnviz.cli.typer_groups import Options, dashed
from attnviz.errors import AttnvizError, UsageError
from attnviz.text.message import Message, of_option

if TYPE_CHECKING:
    from PIL.Image import Image

    from attnviz.sources.huggingface.model import Model
    from attnviz.sources.huggingface.trace_texts import Batches
    from attnviz.trace.origin import Origin
    from attnviz.trace.trace import Trace

Loaded = TypeVar("Loaded")


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
        self._of_many: Batches | None = None
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

    def ahead(self, reading: BatchOptions) -> Callable[[], int]:
        """How many texts are worth reading before the first runs."""
        batches = self._batches(reading)
        return lambda: batches.ahead

    def many(
        self, texts: Sequence[str], reading: BatchOptions, report: Callable[[int], None]
    ) -> Iterator[tuple[int, Trace | AttnvizError]]:
        """The trace of each text, or why there is none, with its place: the model reads several at once."""
        from attnviz.sources.given import Given

        given = [Given(text, self.options.target, self.options.pair) for text in texts]
        for place, answer in self._batches(reading).window([*enumerate(given)], report):
            if not isinstance(answer, AttnvizError):
                answer = self._handed_on(answer)
            yield place, answer

    def fit(self, text: str, reading: BatchOptions) -> str:
        """As much of a text as may be read."""
        return self._batches(reading).fit(text, self.options.pair)

    def _batches(self, reading: BatchOptions) -> Batches:
        """One for all texts, since it learns how the model takes them."""
        if self._of_many is None:
            from attnviz.sources.huggingface.trace_texts import Batches
            from attnviz.sources.texts.length import Length

            self._of_many = Batches(
                self.model,
                layer=self.layer,
                chat=self.options.chat,
                verify=self.options.verify,
                batch=reading.batch,
                predictions=self.predictions,
                length=Length(reading.max_length, reading.cut),
            )
        return self._of_many

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


def load_model(options: LoadOptions, engine: EngineOptions, writes: bool = False, predicts: bool = False) -> Model:
    """The model that the options name; ``writes`` and ``predicts``: with its language head."""
    with loading(options.model):
        from attnviz.sources.huggingface.model import Model

        return Model.load(str(options.model), **_placed(options, engine), writes=writes, predicts=predicts)


def loaded(load: Callable[..., Loaded], options: NamedModelOptions, engine: DeviceOptions) -> Loaded:
    """What ``load`` makes of the model that the options name: the one in the package, or one that they place somewhere."""
    if is_tiny(options.model):
        require_numpy(options, engine)
        return load(options.model)
    with loading(options.model):
        return load(options.model, **_placed(options, engine))


def _placed(options: NamedModelOptions, engine: DeviceOptions) -> dict[str, Any]:
    """Where the weights of a model go, and as what numbers."""
    return {
        "device": engine.device,
        "dtype": None if engine.dtype is None else engine.dtype.value,
        "device_map": options.device_map,
        "adapter": path_of(options.adapter),
    }


def path_of(folder: Path | None) -> str | None:
    """A folder that an option names, if it names one."""
    return None if folder is None else str(folder)


@contextmanager
def loading(name: str | None) -> Iterator[None]:
    """Tell a person that the model ``name`` is being loaded, and in one line what is not installed or not free for it."""
    require_left(MODELS, Message("a model"))
    with installed(), progress(Message("loading {name}", name=name)):
        yield


@contextmanager
def installed() -> Iterator[None]:
    """Tell in one line what the block needs for a model, and is not installed."""
    try:
        yield
    except ImportError as error:
        if lacks_memory(error):
            raise
        raise AttnvizError(
            "--model needs {name}, which is not installed", "pip install 'attnviz[models]'", name=error.name
        ) from None


def require_numpy(options: NamedModelOptions, engine: DeviceOptions) -> None:
    """Refuse what only a model of torch understands beside the model in the package."""
    from attnviz.sources.tiny.loading import require_no_torch

    given = {name: value for name, value in vars(engine).items() if value is not Backend.NUMPY}
    try:
        require_no_torch(**given, device_map=options.device_map, adapter=options.adapter)
    except AttnvizError as error:
        raise UsageError(of_option(error.message), error.hint) from None


def require_no_toy(toy: ToyOptions, brings: str) -> None:
    """Refuse options of the toy beside a source that brings its own query, key and value."""
    instead = Message("or leave out --model") if brings == "--model" else Message("or give a text")
    _refuse(
        toy, Message("shapes toy attention, but {brings} brings its own query, key and value", brings=brings), instead
    )


def require_no_rule(rule: RuleOptions) -> None:
    """Refuse any rule but the model's own."""
    _refuse(
        rule,
        Message("changes the rule, but a model has its own"),
        Message("or save the trace (attnviz capture) and try another rule on it (--from)"),
    )


def require_model(options: Options) -> None:
    """Refuse what only a model understands where none is given."""
    for name, value in vars(options).items():
        if value != getattr(type(options), name) and name != "model":
            raise UsageError("--{name} is for a real model", "add --model DIR_OR_ID", name=dashed(name))


def _refuse(options: Options, why: str, instead: str) -> None:
    for name, value in vars(options).items():
        if value is not None and value is not False:
            raise UsageError(
                "--{name} {why}", "leave out --{name}, {instead}", name=dashed(name), why=why, instead=instead
            )
    if vars(options).get("causal") is False:
        raise UsageError("--no-causal {why}", "leave out --no-causal, {instead}", why=why, instead=instead)
