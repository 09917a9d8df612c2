"""Starting the browsers of this machine, each in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from lacking import lacking

from browsers.window import Window

NAMES = ("chromium", "firefox", "webkit")
# Debian's packages of what each needs, and the programs in them.
PACKAGES = {
    "chromium": {"chromium": ["chromium", "chromium-browser", "google-chrome"]},
    "firefox": {"firefox-esr": ["firefox-esr", "firefox"]},
    "webkit": {"webkit2gtk-driver": ["WebKitWebDriver"], "xvfb": ["Xvfb"]},
}
MINI_BROWSER = "webkit2gtk-*/MiniBrowser"  # beside the library that the driver comes for


def programs(name: str) -> list[str]:
    """The paths of the programs that a browser takes; the test that asks is skipped where one is lacking."""
    found = []
    for package, called in PACKAGES[name].items():
        path = next(filter(None, map(shutil.which, called)), None)
        if path is None:
            lacking(f"no {called[0]} on this machine (apt-get install {package})")
        found.append(path)
    return found


def started(name: str, folder: Path, **preferences: Any) -> Window:
    """A window of Firefox or WebKit; ``preferences`` are Firefox's own, by their names. (Chromium is started by playwright.)"""
    if name == "firefox":
        from browsers.firefox import Firefox

        return Firefox(*programs(name), folder, **preferences)
    from browsers.webkit import WebKit

    driver, display = programs(name)
    return WebKit(driver, mini_browser(), display, folder)


def mini_browser() -> str:
    """WebKitGTK's own small browser, which no PATH holds."""
    found = sorted(Path("/usr/lib").glob(f"*/{MINI_BROWSER}")) + sorted(Path("/usr/libexec").glob(MINI_BROWSER))
    if not found:
        lacking("no MiniBrowser of WebKitGTK on this machine (apt-get install webkit2gtk-driver)")
    return str(found[-1])
