"""Bare imports, which a program that uses these modules pays at the least: python imports.py MODULE…"""

import importlib
import sys

for name in sys.argv[1:] or ("typer", "rich.table", "numpy"):
    importlib.import_module(name)
