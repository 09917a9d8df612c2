"""attnviz roles: which heads of a model have a role, and the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.cli.input.answering import read_answering
from attnviz.cli.options.engine import DeviceOptions
from attnviz.cli.options.roles import AskedModelOptions, RolesOptions
from attnviz.cli.output.files import deliver, drawn_roles
from attnviz.cli.output.formats import ROLES_FILE, RolesFormat, chosen_format
from attnviz.cli.output.progress import progress
from attnviz.cli.output.terminal import Terminal, require_no_terminal, visible_json

if TYPE_CHECKING:
    from attnviz.trace.roles import Roles


def roles(model: AskedModelOptions, shown: RolesOptions, engine: DeviceOptions) -> None:
    """Find the head that looks after position, syntax, meaning or copying, and prove it.

    Example: attnviz roles --cases 200
    """
    form = chosen_format(shown.output, shown.format, RolesFormat.TABLE)
    if form in (RolesFormat.PNG, RolesFormat.PDF):
        require_no_terminal(form.value.upper(), shown.output)
    _write(_found(model, shown, engine), form, shown)


def _found(model: AskedModelOptions, shown: RolesOptions, engine: DeviceOptions) -> Roles:
    from attnviz.analysis.roles import find_roles
    from attnviz.sources.answering import usual_cases
    from attnviz.sources.tiny.questions import questions

    asked = read_answering(model, engine)
    drawn = questions(usual_cases(model.model) if shown.cases is None else shown.cases, shown.seed)
    with progress("questions", counted=False) as line:
        return find_roles(asked, drawn, lambda done, of: line("questions", done, of))


def _write(found: Roles, form: RolesFormat, shown: RolesOptions) -> None:
    from attnviz.text.lessons import lessons

    match form:
        case RolesFormat.JSON:
            from attnviz.renderers.roles.role_json import to_json

            deliver(visible_json([to_json(found)], shown.output), shown.output)
        case RolesFormat.CSV:
            from attnviz.renderers.roles.role_csv import to_csv

            deliver([to_csv(found).encode()], shown.output)
        case RolesFormat.TABLE:
            from attnviz.renderers.roles.role_table import to_renderable

            deliver([Terminal(shown.output)(to_renderable(found, lessons(shown.lang)))], shown.output)
        case _:
            from attnviz.renderers.roles.picture import decide

            picture = decide(found, lessons(shown.lang))
            deliver([drawn_roles(picture, form.value)], shown.output or ROLES_FILE.with_suffix(f".{form.value}"))
