"""From options to a real model's traces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attnviz.attention.memory import MODELS, lacks_memory, require_left
from attnviz.choices import Backend, is_tiny
from attnviz.cli.options.engine import DeviceOptions, EngineOptions
from attnviz.cli.options.model import LoadOptions, NamedModelOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.progress import progress
from attnviz.cli.typer_groups import Options, dashed
from attnviz.errors import AttnvizError, UsageError
from attnviz.text.message import Message, of_option

if TYPE_CHECKING:
    from attnviz.sources.huggingface.model import Model

Loaded = TypeVar("Loaded")


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
