"""Which topic of the manual is shown."""

from typing import Annotated

import typer

from attnviz.choices import Language
from attnviz.cli.options.output import language_option, no_pager_option
from attnviz.cli.typer_groups import Options
from attnviz.text.manual import Topic


class ManualOptions(Options):
    """Which topic of the manual is shown."""

    topic: Annotated[
        Topic | None,
        typer.Argument(metavar="TOPIC", help="The topic. Without one: the list of topics.", show_default=False),
    ] = None
    lang: Annotated[Language, language_option()] = Language.EN
    no_pager: Annotated[bool, no_pager_option()] = False
