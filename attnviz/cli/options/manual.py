"""Which topic of the manual is shown."""

from enum import StrEnum
from typing import Annotated

import typer

from attnviz.choices import Language
from attnviz.cli.options.output import language_option, no_pager_option
from attnviz.cli.typer_groups import Options


class Topic(StrEnum):
    """The topics in the order in which a person meets them, one file in attnviz/manual/ each."""

    TEXT = "text"
    TOY = "toy"
    ARRAYS = "arrays"
    TINY = "tiny"
    MODELS = "models"
    RECORD = "record"
    RULE = "rule"
    SELECTION = "selection"
    TABLES = "tables"
    PICTURES = "pictures"
    LONG = "long"
    PAGE = "page"
    STATS = "stats"
    ROLES = "roles"
    GENERATE = "generate"
    DIAGNOSE = "diagnose"
    LEARN = "learn"
    JSON = "json"
    CSV = "csv"
    PYTHON = "python"
    LIMITS = "limits"
    SECURITY = "security"
    EXIT_CODES = "exit-codes"


class ManualOptions(Options):
    """Which topic of the manual is shown."""

    topic: Annotated[
        Topic | None,
        typer.Argument(metavar="TOPIC", help="The topic. Without one: the list of topics.", show_default=False),
    ] = None
    lang: Annotated[Language, language_option()] = Language.EN
    no_pager: Annotated[bool, no_pager_option()] = False
