"""What transformers raises for a model that it cannot load, in one clear line each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import transformers

from attnviz.attention.memory import lacks_memory
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.loading.hub import not_found
from attnviz.sources.huggingface.seams import Complaint, complains
from attnviz.text.display import shown_line
from attnviz.text.message import Message, said_by

STANDARD_ERROR = 2


@contextmanager
def loading_errors(name: str) -> Iterator[None]:
    """Turn what the block raises while it loads ``name`` into an AttnvizError; transformers says nothing of its own."""
    try:
        with silence():
            yield
    except AttnvizError:
        raise
    except Exception as error:  # a model fails to load in dozens of ways: OSError, ValueError, SafetensorError, …
        raise _clear_error(name, error) from None


@contextmanager
def panics_told() -> Iterator[None]:
    """Raise a RuntimeError where a library in Rust panics in the block: its own is no Exception, and comes after a page on
    standard error, which is closed to the block."""
    try:
        with _without_standard_error():
            yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise RuntimeError(str(error)) from None


def pickled(name: str, file: str) -> AttnvizError:
    """Weights that are not read, and why."""
    return AttnvizError(
        "{name} has its weights only in {file}, and attnviz reads only .safetensors: a pickle can run any code when it is loaded",
        "if you trust it, load it with transformers and call model.save_pretrained(folder), which writes safetensors",
        name=name,
        file=file,
    )


def one_line(error: Exception | str) -> str:
    """What an error says, on one line of bearable length, what a terminal would act upon written out."""
    if isinstance(error, Exception) and isinstance(said := said_by(error), Message):
        return said
    if isinstance(error, KeyError) and error.args:  # which says the name alone
        return Message("{name!r:.170} is missing, or not known", name=_one_line(str(error.args[0])))
    return _one_line(str(error)) or type(error).__name__


def _one_line(said: str) -> str:
    return shown_line(" ".join(said.split()))[:200]


def _clear_error(name: str, error: Exception) -> AttnvizError:
    if lacks_memory(error):
        return AttnvizError(
            "not enough memory for {name}, or for what its config.json asks for",
            "give --dtype bfloat16, or this process more memory",
            name=name,
        )
    if complains(error, Complaint.OWN_CODE):
        return AttnvizError(
            "{name} needs code of its own, which attnviz never runs",
            "take a model that transformers itself includes",
            name=name,
        )
    if complains(error, Complaint.UNKNOWN_ARCHITECTURE):
        version = transformers.__version__
        return AttnvizError(
            "{name} has an architecture that transformers {version} does not know",
            "pip install -U transformers",
            name=name,
            version=version,
        )
    if complains(error, Complaint.OTHER_SHAPES):
        return AttnvizError(
            "{name} has weights whose shapes do not match its config.json", "copy both files again", name=name
        )
    if complains(error, Complaint.OFFLINE) and os.path.isdir(name):
        return AttnvizError(
            "{name} needs something that does not lie in its folder, and attnviz fetches nothing but the model you name",
            "take a model that is complete",
            name=name,
        )
    if isinstance(error, OSError) and not os.path.isdir(name):
        return not_found(name)
    if isinstance(error, ImportError):
        return AttnvizError(
            "{name}: {reason}",
            "pip install 'attnviz[models]', and what this line names",
            name=name,
            reason=one_line(error),
        )
    return AttnvizError(
        "{name} cannot be loaded: {reason}",
        "it may be damaged or cut short: copy it again",
        name=name,
        reason=one_line(error),
    )


@contextmanager
def _without_standard_error() -> Iterator[None]:
    """What compiled code writes to standard error goes nowhere meanwhile; where that cannot be had, it is heard."""
    try:
        nowhere, kept = os.open(os.devnull, os.O_WRONLY), os.dup(STANDARD_ERROR)
    except OSError:
        yield
        return
    try:
        os.dup2(nowhere, STANDARD_ERROR)
        yield
    finally:
        os.dup2(kept, STANDARD_ERROR)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def silence() -> Iterator[None]:
    """transformers neither warns nor draws bars of its own meanwhile."""
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
