"""What the tests of the page share: a browser, and pages opened in it that must stay silent and fetch nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy
import pytest
from browsers.chromium import Chromium
from browsers.starting import NAMES, programs, started
from browsers.window import Window

from attnviz import Layer, Rule, Trace
from attnviz.choices import Language, Pool
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.page import to_html
from attnviz.trace.selection import select

SETTLED = "#panel[aria-busy=false]"

# Follow a link within the page, and wait until the view is there.
FOLLOW = """async (hash) => {
  if (location.hash !== hash) await new Promise((done) => {
    addEventListener("hashchange", () => done(), { once: true });
    location.hash = hash;
  });
  while (document.getElementById("panel").ariaBusy !== "false") await new Promise((done) => setTimeout(done, 2));
}"""

UNTIL = """async () => {
  const end = performance.now() + 20000;
  while (!(%s)) {
    if (performance.now() > end) throw new Error("it never came");
    await new Promise((done) => setTimeout(done, 5));
  }
}"""

# The texts of some elements in one state after the other, in one exchange with the browser.
READ = (
    f"async ([hashes, selectors]) => {{ const follow = {FOLLOW};"
    + """
  const read = [];
  for (const hash of hashes) {
    await follow(hash);
    const texts = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
    read.push(Object.fromEntries(selectors.map((selector) => [selector, texts(selector)])));
  }
  return read;
}"""
)


class Opened:
    """A page in the browser, and what went wrong in it."""

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.address, self.problems = page, address, []
        self._listeners = {
            "console": lambda message: self.problems.append(f"console: {message.text}"),
            "pageerror": lambda error: self.problems.append(f"error: {error}"),
            "request": self._asked,
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)

    def go(self, **state: Any) -> Any:
        """The page in this state, as a link says it."""
        self.page.evaluate(FOLLOW, f"#{fragment(state)}")
        return self.page

    def load(self, **state: Any) -> None:
        """Open the page anew in this state, with nothing left of what it was."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}#{fragment(state)}")
        self.page.wait_for_selector(SETTLED)

    def read(self, states: list[dict[str, Any]], *selectors: str) -> list[dict[str, list[str]]]:
        """The texts of all elements of each selector, in each of the states."""
        return self.page.evaluate(READ, [[f"#{fragment(state)}" for state in states], selectors])

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_text_contents()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.page.wait_for_selector(SETTLED)

    def until(self, condition: str) -> None:
        """Wait for a condition in the page. (wait_for_function would have to eval it, which the page does not allow.)"""
        self.page.evaluate(UNTIL % condition)

    def leave(self) -> None:
        """Take the pointer out of the tab, and hear no more of it: the next page may have it."""
        self.page.mouse.up()
        self.page.mouse.move(-1, -1)
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def _asked(self, request: Any) -> None:
        if request.url.partition("#")[0] not in (self.address, "about:blank") and not request.url.startswith(
            ("blob:", "data:")
        ):
            self.problems.append(f"asked for {request.url}")


def fragment(state: dict[str, Any]) -> str:
    return "&".join(f"{name}={value}" for name, value in state.items())


@pytest.fixture(scope="session")
def several() -> Trace:
    """Three layers of four heads, the first token a special one."""
    draw = numpy.random.default_rng(7)
    layers = tuple(
        Layer(*(draw.standard_normal((4, 7, 8)) * 2 for _ in range(3)), Rule(causal=True), index=index)
        for index in range(3)
    )
    source = {"kind": "model", "ids": [1, 5, 6, 7, 5, 6, 8], "special": [0]}
    return Trace(("<s>", "the", "cat", "sat", "the", "cat", "ran"), layers, source)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The chromium of this machine, without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    [chromium] = programs("chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tabs(browser: Any) -> Callable[..., Any]:
    """tabs(**options) → a tab of the browser, the same one for the same options: a new one takes longer than a test."""
    return lru_cache(lambda **options: browser.new_context(**options).new_page())


@pytest.fixture
def opened(browser: Any, tabs: Callable[..., Any], tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """opened(trace, width=390, dark=True, lang="vi", **state) → its page; at the end of the test it must be without fault.

    ``before`` is a script that runs before the page's own, in a window that no other test gets; ``until`` is what to wait for.
    ``content`` is a page that has been made already.
    """
    pages: list[Opened] = []
    ends = ExitStack()

    def open_page(
        trace: Trace,
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        lang: str = "en",
        before: str | None = None,
        until: str = SETTLED,
        pool: Pool = Pool.MEAN,
        limits: Limits = USUAL,
        image: Any = None,
        **options: Any,
    ) -> Opened:
        chosen = select(trace, **options.pop("selected", {}))
        content = options.pop("content", None) or to_html(trace, chosen, Language(lang), limits, pool, image=image)
        file = tmp_path / f"page-{len(pages)}.html"
        file.write_text(content, encoding="utf-8")
        looks = {
            "color_scheme": "dark" if dark else "light",
            "reduced_motion": options.pop("motion", "no-preference"),
        }
        if before is None:
            tab = tabs(**looks)
        else:
            tab = ends.enter_context(closing(browser.new_context(**looks))).new_page()
            tab.add_init_script(before)
        tab.set_viewport_size({"width": width, "height": height})
        pages.append(Opened(tab, file.as_uri()))
        tab.goto(f"{file.as_uri()}#{fragment(options)}")
        tab.wait_for_selector(until)
        return pages[-1]

    with ends:
        yield open_page
        for page in pages:
            page.leave()
    assert [problem for page in pages for problem in page.problems] == []


@pytest.fixture(scope="session")
def windows(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Window]]:
    """windows(name) → the window of that browser, the same one for all tests: to start one takes longer than a test."""
    with ExitStack() as ends:

        @lru_cache
        def window(name: str) -> Window:
            if name == "chromium":
                return Chromium(request.getfixturevalue("browser"))  # with which it ends
            return ends.enter_context(closing(started(name, tmp_path_factory.mktemp(name))))

        yield window


@pytest.fixture(params=NAMES)
def window(request: pytest.FixtureRequest, windows: Callable[[str], Window]) -> Window:
    """A window of each browser; a test gives it a size and opens a page."""
    return windows(request.param)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """written(trace, lang="vi", **selected) → the file of its page."""

    def write(trace: Trace, *, lang: str = "en", limits: Limits = USUAL, **selected: Any) -> Path:
        file = tmp_path / "page.html"
        file.write_text(to_html(trace, select(trace, **selected), Language(lang), limits), encoding="utf-8")
        return file

    return write
