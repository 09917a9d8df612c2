"""What every start of explain must at least import."""

import numpy  # noqa: F401
import rich.table  # noqa: F401
import typer  # noqa: F401
