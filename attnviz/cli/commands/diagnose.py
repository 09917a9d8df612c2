"""attnviz diagnose: the mistake in an implementation of attention, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from attnviz.cli.input.dumps import meant, read_dump
from attnviz.cli.options.diagnose import DiagnoseOptions, DumpOptions, MeantOptions
from attnviz.cli.output.files import deliver, drawn
from attnviz.cli.output.formats import DIAGNOSIS_FILE, DiagnosisFormat, chosen_format
from attnviz.cli.output.streams import notice
from attnviz.cli.output.terminal import Terminal, require_no_terminal, visible_json
from attnviz.errors import DONE, MISTAKEN, UNEXPLAINED

if TYPE_CHECKING:
    from attnviz.analysis.diagnosis.result import Diagnosis


def diagnose(dump: DumpOptions, rule: MeantOptions, shown: DiagnoseOptions) -> None:
    """Name the mistake in an implementation of attention, from its inputs and its output.

    Exit code 0: the output is correct; 3: a mistake is named; 4: it is wrong, and no known mistake explains it.

    Example: attnviz diagnose samples/cached.npz
    """
    form = chosen_format(shown.output, shown.format, DiagnosisFormat.TABLE)
    if form in (DiagnosisFormat.PNG, DiagnosisFormat.PDF):
        require_no_terminal(form.value.upper(), shown.output)
    found = _found(dump, rule)
    _write(found, form, shown)
    if code := _exit_code(found):
        raise typer.Exit(code)


def _found(dump: DumpOptions, rule: MeantOptions) -> Diagnosis:
    from attnviz.analysis.diagnosis.diagnose import diagnose as diagnosed

    read = read_dump(dump.file)
    return diagnosed(read.query, read.key, read.value, **read.given, **meant(read, rule))


def _exit_code(found: Diagnosis) -> int:
    from attnviz.analysis.diagnosis.result import Verdict

    return {Verdict.CORRECT: DONE, Verdict.UNKNOWN: UNEXPLAINED}.get(found.verdict, MISTAKEN)


def _write(found: Diagnosis, form: DiagnosisFormat, shown: DiagnoseOptions) -> None:
    from attnviz.text.lessons import lessons

    words = lessons(shown.lang)
    match form:
        case DiagnosisFormat.TABLE:
            from attnviz.renderers.diagnosis.answer import to_renderable

            deliver([Terminal(shown.output)(to_renderable(found, words))], shown.output)
        case DiagnosisFormat.JSON:
            from attnviz.renderers.diagnosis.diagnosis_json import to_json

            deliver(visible_json([to_json(found, words)], shown.output), shown.output)
        case DiagnosisFormat.CSV:
            from attnviz.renderers.diagnosis.diagnosis_csv import to_csv

            deliver([to_csv(found).encode()], shown.output)
        case DiagnosisFormat.MARKDOWN:
            from attnviz.renderers.diagnosis.markdown import to_markdown

            deliver([to_markdown(found, words).encode()], shown.output)
        case DiagnosisFormat.HTML:
            from attnviz.renderers.diagnosis.fragment import to_fragment

            deliver([to_fragment(found, words).encode()], shown.output)
        case _ if found.compared:
            from attnviz.renderers.diagnosis.picture import decide

            picture = drawn(decide(found, words), form.value)
            deliver([picture], shown.output or DIAGNOSIS_FILE.with_suffix(f".{form.value}"))
        case _:
            notice("the output is correct, so there is no difference to draw, and no file is written")
