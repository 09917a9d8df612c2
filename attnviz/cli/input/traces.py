"""From options to traces: which text or file is meant, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attnviz.choices import OUTPUT, Backend
from attnviz.cli.input.model_traces import ModelTraces, TinyTraces, model_traces
from attnviz.cli.input.models import require_model, require_no_rule, require_no_toy
from attnviz.cli.input.text import STDIN, read_arrays, read_text
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.source import BatchOptions, SourceOptions, TextsOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.streams import notice
from attnviz.errors import AttnvizError, UsageError
from attnviz.text.display import listed_tokens
from attnviz.text.message import AND, Message, joined, meaning, of_option

if TYPE_CHECKING:
    from PIL.Image import Image

    from attnviz.sources.toy.toy import Toy
    from attnviz.trace.trace import Trace


class Making(NamedTuple):
    """The options by which a text or a file becomes a trace."""

    toy: ToyOptions = ToyOptions()
    rule: RuleOptions = RuleOptions()
    engine: EngineOptions = EngineOptions()
    model: ModelOptions = ModelOptions()
    layer: Sequence[str] = ()  # of a model, the only ones that are kept
    picture: Image | None = None  # that the model looks at, where it is read already
    toward: str | None = None  # along what contributions are measured
    predictions: int | None = None  # how many next tokens are kept after each position

    @property
    def token(self) -> str | None:
        """The token whose direction a model is asked for."""
        return None if self.toward == OUTPUT else self.toward


def read_trace(source: SourceOptions, making: Making) -> Trace:
    """The one trace that the options mean."""
    require_one_source(source, making.model)
    if source.from_ is not None:
        return directed(_from_file(source.from_, making, None if source.text is None else read_text(source)), making)
    return directed(read_by(maker_of(making), source, making), making)


def directed(trace: Trace, making: Making) -> Trace:
    """``trace`` with its contributions along what is asked for."""
    if making.toward is None and all(one.toward is None for one in trace.layers):
        return trace
    from attnviz.trace.along import along

    return along(trace, making.toward)


def read_by(maker: Callable[[Any], Trace], source: SourceOptions, making: Making) -> Trace:
    """The trace that ``maker`` makes of the text, or of the image where it reads nothing else."""
    if not isinstance(maker, ModelTraces | TinyTraces):
        return maker(read_text(source))
    if isinstance(maker, ModelTraces) and maker.reads_images:
        return maker(_image(source, making))
    picture = _picture(making)
    return maker(read_text(source), picture)


def maker_of(making: Making) -> TraceMaker | ModelTraces | TinyTraces:
    """What makes a trace of each text."""
    if making.model.model is None:
        return TraceMaker(making.toy, making.rule, making.engine)
    require_no_toy(making.toy, "--model")
    require_no_rule(making.rule)
    return model_traces(making.model, making.engine, making.layer, making.token, making.predictions)


def _image(source: SourceOptions, making: Making) -> Image:
    """The image that a model is to look at, which reads nothing else."""
    from attnviz.sources.files.pictures import read_picture

    if source.text is not None:
        raise UsageError("this model looks at an image, not at a text", "give --file IMAGE instead of the text")
    if (picture := _picture(making)) is not None:
        return picture
    if source.file is None or str(source.file) == "-":
        raise UsageError("this model looks at an image, and none is given", "add --file IMAGE")
    return read_picture(source.file)


def _picture(making: Making) -> Image | None:
    """The image of --image, or the one that was read for --on-image."""
    from attnviz.sources.files.pictures import read_picture

    if making.picture is not None or making.model.image is None:
        return making.picture
    return read_picture(making.model.image)


class TraceMaker:
    """Texts to toy traces, all by the same options."""

    def __init__(self, toy: ToyOptions, rule: RuleOptions, engine: EngineOptions) -> None:
        from attnviz.attention.rule import Rule

        self.toy, self.rule, self.engine = _toy(toy), Rule(**given_rule(rule)), engine

    def __call__(self, text: str) -> Trace:
        return _computed_by(self.toy.trace(text, self.rule), self.engine)

    def fit(self, text: str, reading: BatchOptions) -> str:
        """As much of a text as may be read."""
        from attnviz.sources.texts.length import Length, in_words

        return Length(reading.max_length).fitted(text, in_words(self.toy.tokenizer))


def _from_file(path: Path, making: Making, text: str | None) -> Trace:
    """The trace in a file; ``text`` are the tokens of arrays that come without."""
    from attnviz.sources.files.qkv import read_trace as read_file
    from attnviz.trace.row_sums import RowSums

    require_no_toy(making.toy, "--from")
    content = read_arrays(path)
    name: Path | Message = STDIN if str(path) == "-" else path
    with said_of(name):
        trace = read_file(Path(name), given_rule(making.rule), content, text)
    if trace.source.unread:
        notice(
            Message(
                "{path} also holds {unread}, which attnviz does not read",
                path=name,
                unread=listed_tokens(trace.source.unread, 60),
            )
        )
    if said := trace.source.row_sums:
        notice(RowSums(*(said[name] for name in RowSums._fields)).told)
    return _computed_by(trace, making.engine)


@contextmanager
def said_of(name: Path | Message) -> Iterator[None]:
    """Standard input has the path of a file while it is read: what an error says of that path, it says of standard input."""
    try:
        yield
    except AttnvizError as error:
        if not isinstance(name, Message):
            raise
        raise type(error)(meaning(error.message, name), meaning(error.hint, name)) from None


def _computed_by(trace: Trace, engine: EngineOptions) -> Trace:
    backend = engine.backend or (Backend.TORCH if engine.device else Backend.NUMPY)
    if backend is Backend.NUMPY and engine.device is None and engine.dtype is None:
        return trace
    return trace.to(backend.value, engine.device, None if engine.dtype is None else engine.dtype.value)


def _toy(options: ToyOptions) -> Toy:
    from attnviz.sources.toy.toy import Toy

    given = {name: value for name, value in vars(options).items() if value is not None}
    embeddings, weights = given.pop("embeddings", None), given.pop("weights", None)
    if embeddings is not None and options.dim is not None:
        raise UsageError("--dim and --embeddings: your own vectors have their own size", "leave out --dim")
    if weights is not None and options.project:
        raise UsageError("--project draws matrices, --weights brings them", "leave out one of the two")
    if embeddings is not None or weights is not None:
        from attnviz.sources.files.toy_parts import read_embeddings, read_weights

        given["embedder"] = None if embeddings is None else read_embeddings(embeddings)
        given["weights"] = None if weights is None else read_weights(weights)
    return Toy(**given)


def given_rule(options: RuleOptions) -> dict[str, Any]:
    """The fields of a Rule that were asked for."""
    from attnviz.attention.rule import Rule

    given = {name: value for name, value in vars(options).items() if value is not None}
    if given.pop("no_scale", False):
        if "scale" in given:
            raise UsageError("--scale and --no-scale: give one of the two")
        given["scale"] = 1.0
    try:
        Rule(**given)
    except AttnvizError as error:
        raise UsageError(of_option(error.message), error.hint) from None
    return given


def require_one_source(source: SourceOptions | TextsOptions, model: ModelOptions) -> None:
    """Refuse options that mean several texts or files."""
    if model.model is None:
        require_model(model)
    elif getattr(source, "from_", None) is not None:
        raise UsageError("--model and --from: which of the two is meant?", "leave out one of them")
    from_ = getattr(source, "from_", None)
    given = [
        name
        for name, value in (("TEXT", source.text), ("--file", source.file or None), ("--from", from_))
        if value is not None
    ]
    if given == ["TEXT", "--from"] and source.text != "-":
        return  # the text are the tokens of arrays that come without
    if len(given) > 1:
        raise UsageError(
            "{given} are both given: which one is meant?", "leave out all but one", given=joined(given, AND)
        )
