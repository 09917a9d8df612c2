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
        f"{name} has its weights only in {file}, and attnviz reads only .safetensors: "
        "a pickle can run any code when it is loaded",
        "if you trust it, load it with transformers and call model.save_pretrained(folder), which writes safetensors",
    )


def one_line(error: Exception | str) -> str:
    """What an error says, on one line of bearable length, what a terminal would act upon written out."""
    if isinstance(error, KeyError) and error.args:  # which says the name alone
        error = f"{error.args[0]!r} is missing, or not known"
    return shown_line(" ".join(str(error).split()))[:200] or type(error).__name__


def _clear_error(name: str, error: Exception) -> AttnvizError:
    if lacks_memory(error):
        return AttnvizError(
            f"not enough memory for {name}, or for what its config.json asks for",
            "give --dtype bfloat16, or this process more memory",
        )
    if complains(error, Complaint.OWN_CODE):
        return AttnvizError(
            f"{name} needs code of its own, which attnviz never runs", "take a model that transformers itself includes"
        )
    if complains(error, Complaint.UNKNOWN_ARCHITECTURE):
        version = transformers.__version__
        return AttnvizError(
            f"{name} has an architecture that transformers {version} does not know", "pip install -U transformers"
        )
    if complains(error, Complaint.OTHER_SHAPES):
        return AttnvizError(f"{name} has weights whose shapes do not match its config.json", "copy both files again")
    if complains(error, Complaint.OFFLINE) and os.path.isdir(name):
        return AttnvizError(
            f"{name} needs something that does not lie in its folder, and attnviz fetches nothing but the model you name",
            "take a model that is complete",
        )
    if isinstance(error, OSError) and not os.path.isdir(name):
        return not_found(name)
    if isinstance(error, ImportError):
        return AttnvizError(f"{name}: {one_line(error)}", "pip install 'attnviz[models]', and what this line names")
    return AttnvizError(f"{name} cannot be loaded: {one_line(error)}", "it may be damaged or cut short: copy it again")


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
