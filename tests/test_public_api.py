"""What `import attnviz` offers."""

import subprocess
import sys

import pytest

import attnviz


def test_the_exported_names():
    assert attnviz.__all__ == [
        "AttnvizError",
        "Layer",
        "Pooled",
        "Projection",
        "Rule",
        "Steps",
        "Trace",
        "__version__",
        "attend",
        "load",
        "pool",
        "trace_model",
        "trace_text",
    ]
    assert dir(attnviz) == sorted(attnviz.__all__)


@pytest.mark.parametrize("name", attnviz.__all__)
def test_every_name_has_a_docstring(name):
    assert getattr(attnviz, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        attnviz.nonsense  # noqa: B018


def test_the_import_alone_loads_nothing_heavy():
    code = "import sys, attnviz; print([name for name in ('numpy', 'torch', 'rich', 'typer') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
