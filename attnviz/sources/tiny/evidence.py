"""What is known of the roles of the heads of the model in the package: the report that lies beside its weights.

It is what ``attnviz roles --format json`` says of them; a test finds it out anew.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from attnviz.choices import TINY
from attnviz.sources.tiny.model import TinyModel
from attnviz.trace.roles import HeadRole, read_head_role

REPORT = Path(__file__).parent / "roles.json"


def known_roles(model: TinyModel) -> tuple[HeadRole, ...]:
    """The roles of the heads of ``model``: nothing is known of another model than the one in the package."""
    return _shipped() if model.name == TINY else ()


@lru_cache(maxsize=1)
def _shipped() -> tuple[HeadRole, ...]:
    from attnviz.trace.json_text import parsed_json

    return tuple(map(read_head_role, parsed_json(REPORT.read_bytes(), REPORT.name)["roles"]))
