"""What a machine may lack: a test that needs it is skipped, and fails where CI says that nothing is lacking."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def lacking(what: str) -> NoReturn:
    """Skip the test that needs ``what``; fail where ATTNVIZ_NOTHING_LACKS is set, as .ci/run sets it."""
    if os.environ.get("ATTNVIZ_NOTHING_LACKS"):
        pytest.fail(f"CI lacks something: {what}")
    pytest.skip(what)
