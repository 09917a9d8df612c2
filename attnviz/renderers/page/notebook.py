"""A trace in a notebook: its page in a frame of its own, where its styles and its script stay within."""

from __future__ import annotations

import html

from attnviz.errors import AttnvizError
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.page.page import title, to_html
from attnviz.renderers.page.parts import longest, page_parts
from attnviz.trace.selection import Selection, select
from attnviz.trace.trace import Trace

LIMITS = Limits(megabytes=10.0)  # every one of them is saved with the notebook
PAIRS = 1 << 31  # that are pooled in a few seconds
HEIGHT = 760  # pixels


def to_frame(trace: Trace) -> str:
    """HTML of a frame that shows the page of ``trace``, or of a line that says why there is none.

    The frame may run its script and save pictures, and nothing else: it has no address, and sees nothing of the notebook.
    """
    try:
        selection = select(trace)
        tokens = longest(selection.layers)
        # To be shown need not mean to compute for a minute.
        if tokens > LIMITS.tokens or (selection.pairs > PAIRS and _is_pooled(selection)):
            raise AttnvizError(f"its {tokens:,} tokens are pooled by to_html(), which may take a while")
        page = to_html(trace, selection, limits=LIMITS)
    except AttnvizError as error:
        return f"<pre>{html.escape(f'{trace!r}: {error.message}')}</pre>"
    return (
        f'<iframe title="{html.escape(title(trace), quote=True)}" sandbox="allow-scripts allow-downloads" '
        f'style="width: 100%; height: {HEIGHT}px; border: 0; border-radius: 8px" '
        f'srcdoc="{html.escape(page, quote=True)}"></iframe>'
    )


def _is_pooled(selection: Selection) -> bool:
    return any(part.form is Form.POOLED for part in page_parts(selection.layers, LIMITS))
