"""Whether a model's name means a folder, and whether the Hugging Face hub can be asked for it."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from attnviz.errors import AttnvizError

PATIENCE = 3.0  # seconds; the hub's own library tries again for 25
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def is_path(name: str) -> bool:
    """Whether ``name`` can only mean a place on this machine: an id is owner/model or model."""
    return Path(name).is_absolute() or name.startswith((".", "~")) or name.count("/") > 1


def can_be_asked() -> bool:
    """Whether the hub can be reached, and nobody has said to stay offline."""
    return not _told_to_stay_offline() and _reachable()


def not_found(name: str) -> AttnvizError:
    """What to say of a ``name`` that is neither a folder nor found on the hub, or in what was downloaded from it."""
    if _told_to_stay_offline():
        return AttnvizError(
            "there is no folder {name}, and HF_HUB_OFFLINE keeps attnviz from looking for it on the Hugging Face hub",
            "give a folder, download it beforehand (hf download), or unset HF_HUB_OFFLINE",
            name=name,
        )
    if not _reachable():
        return AttnvizError(
            "there is no folder {name}, and the Hugging Face hub cannot be reached",
            "give a folder, or go online",
            name=name,
        )
    return AttnvizError(
        "{name} is neither a folder here nor a model that the Hugging Face hub shows you",
        "check its spelling; a private model needs hf auth login",
        name=name,
    )


def _told_to_stay_offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


@lru_cache
def _reachable() -> bool:
    from huggingface_hub import constants

    if any(os.environ.get(name) for name in PROXIES):
        return True  # what answers is the proxy: let the hub's library find out
    address = urlsplit(constants.ENDPOINT)
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        with socket.create_connection((address.hostname or "", port), timeout=PATIENCE):
            return True
    except OSError:
        return False
