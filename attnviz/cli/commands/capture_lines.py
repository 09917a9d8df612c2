"""attnviz capture of many texts: a folder of traces, one file for each text, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.cli.input.corpus import Corpus
from attnviz.cli.input.gathered import end_if_partial, gather
from attnviz.cli.input.many import Failed, Report, read_lines
from attnviz.cli.input.traces import Making
from attnviz.cli.options.capture import CaptureOptions
from attnviz.cli.options.source import BatchOptions
from attnviz.cli.output.files import name_folder
from attnviz.cli.output.formats import SUFFIXES
from attnviz.cli.output.streams import notice
from attnviz.errors import AttnvizError, UsageError
from attnviz.files import file_errors
from attnviz.progress import whole_step
from attnviz.text.message import Message
from attnviz.trace.agreement import exactness

if TYPE_CHECKING:
    from attnviz.sources.texts.corpus import CorpusText
    from attnviz.trace.trace import Trace

DIGITS = 6  # of a file's name, more where a corpus has more texts


def capture_each(corpus: Corpus, making: Making, reading: BatchOptions, kept: CaptureOptions) -> None:
    """Save a trace of each text in a file that is named by the number of its line or row."""
    folder = new_folder(kept.output)
    from attnviz.analysis.corpus.texts import Texts

    counts, told = Texts(), set[str]()

    def saved(failed: Failed, report: Report) -> Iterator[tuple[CorpusText, Trace]]:
        for text, trace in read_lines(corpus, making, reading, failed, report):
            with whole_step():  # up to where it is counted: so many files are there as an interrupted run says
                # Here and not where it is counted: a disk that is full is no fault of this text, and ends the run.
                _save(trace, folder / f"{text.number:0{DIGITS}d}.safetensors", kept, told)
                yield text, trace

    def count(_text: CorpusText, trace: Trace) -> None:
        vars(counts).update(counts.one_more(trace.source, len(trace.tokens)))

    total = corpus.total
    gather(counts, saved, count, total)
    if line := exactness(counts.model, counts.error):
        notice(Message("{output}: {line}", output=folder, line=line))
    name_folder(folder)
    end_if_partial(counts, total)


def new_folder(output: Path | None) -> Path:
    """The folder ``output``, if nothing is in it yet; it is made when the first file is written."""
    if output is None or str(output) == "-" or output.suffix.lower() in SUFFIXES["safetensors"]:
        raise UsageError("many traces are saved to a folder, a file each", "add -o FOLDER")
    with file_errors(output):
        if os.path.lexists(output) and not os.path.isdir(output):
            raise AttnvizError("{path} is a file, not a folder", "name a new folder", path=output)
        if os.path.isdir(output) and os.listdir(output):
            raise AttnvizError("{path} is not empty", "name a new folder", path=output)
    return output


def _save(trace: Trace, path: Path, kept: CaptureOptions, told: set[str]) -> None:
    with file_errors(path.parent):
        os.makedirs(path.parent, exist_ok=True)
    said = [trace.source.agreement.sampled]
    if kept.no_output_projection:
        trace = trace.without_output_projections()
    else:
        said.append(trace.source.without_projection(trace.layers))
    trace.save(path)
    for line in said:
        sentence = line.template if isinstance(line, Message) else line
        if sentence and sentence not in told:  # said once, of the first, for it is so in every text
            told.add(sentence)
            notice(line)
