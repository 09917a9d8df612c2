"""How long a person waits for a page in a browser, in milliseconds, as JSON: python looking.py chromium|firefox|webkit [FOLDER]

FOLDER holds the attnviz that writes the pages: this one, or another to compare with.
"""

import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

HERE = Path(__file__).parents[3]
who, root = sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else HERE)
sys.path[:0] = [str(root), str(HERE / "tests" / "support")]
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy
from browsers import firefox
from browsers import window as windows
from browsers.starting import programs, started
from browsers.window import SETTLED, Window

from attnviz import Layer, Rule, Trace

windows.PATIENCE = firefox.PATIENCE = 300.0  # seconds: what is compared with may take long
MEGABYTES, RUNS = 400, 5
# What `act` takes until the view is there and painted; and until something new is in sight first.
TIMED = """(async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const settled = async () => { while (!(%s)) await new Promise((done) => setTimeout(done, 1)); };
  await settled();
  await painted();
  let first = null;
  const map = document.getElementById("map");
  const eyes = new MutationObserver(() => painted().then(() => (first ??= performance.now())));
  if (map) eyes.observe(map, { attributeFilter: ["aria-label"] });
  const began = performance.now();
  %s;
  await settled();
  await painted();
  const end = performance.now();
  eyes.disconnect();
  return [(first ?? end) - began, end - began];
})()"""
CLICK = "document.getElementById('tab-overview').click()"
NEXT = "document.querySelector('[aria-label=\"The next head\"]').click()"
SLIDE = """const slider = document.getElementById('control-threshold');
  slider.value = %f; slider.dispatchEvent(new Event('input'))"""

# Back by some hundred tokens, then forward, as a hand that looks for a place.
READ = """const slider = document.getElementById('upto');
  slider.value = Number(slider.value) + (slider.value > 500 ? -400 : 350);
  slider.dispatchEvent(new Event('input'))"""


def written(folder: Path, layers: int, heads: int, tokens: int) -> tuple[Path, float]:
    """A page of drawn vectors, causal, and the seconds that it took."""
    draw = numpy.random.default_rng(0)
    trace = Trace(
        tuple(f"w{place % 97}" for place in range(tokens)),
        tuple(
            Layer(
                *(draw.standard_normal((heads, tokens, 64), "float32") for _ in range(3)),
                Rule(causal=True),
                index=index,
            )
            for index in range(layers)
        ),
    )
    file, began = folder / f"{layers}-{heads}-{tokens}.html", time.perf_counter()
    file.write_text(trace.to_html(max_size=MEGABYTES), encoding="utf-8")
    return file, time.perf_counter() - began


def median(window: Window, *acts: str) -> list[float]:
    """The medians of both times over some runs; of the ``acts`` the last is timed."""
    times = []
    for run in range(RUNS):
        for act in acts:
            both = window.evaluate(TIMED % (SETTLED, act.replace("%f", f"{0.3 + run / 10}")))
        times.append(both)
    return [sorted(column)[RUNS // 2] for column in zip(*times, strict=True)]


def opened(window: Window, file: Path, **state: str) -> float:
    began = time.perf_counter()
    window.open(file, **state)
    return 1000 * (time.perf_counter() - began)


def measured(window: Window, folder: Path) -> dict[str, float]:
    found = {}
    window.resize(1280, 900)
    file, took = written(folder, 12, 12, 1024)
    found["written 12 × 12 × 1,024"] = 1000 * took
    opened(window, file, view="matrix")
    found["Overview 12 × 12 × 1,024, first time"] = window.evaluate(TIMED % (SETTLED, CLICK))[1]
    file.unlink()
    file, _ = written(folder, 24, 16, 1024)
    opened(window, file, view="overview")
    found["back to the Overview 24 × 16 × 1,024"] = median(window, "location.hash = '#view=matrix'", CLICK)[1]
    found["slider of the Overview 24 × 16 × 1,024"] = median(window, SLIDE)[1]
    file.unlink()
    file, _ = written(folder, 1, 8, 1024)
    for view in ("lines", "text", "steps"):
        opened(window, file, view=view)
        found[f"slider of the text in {view.title()}, T = 1,024"] = median(window, READ)[1]
    file.unlink()
    file, _ = written(folder, 1, 8, 2048)
    opened(window, file, view="matrix")
    first, exact = median(window, NEXT)
    return found | {"next head, T = 2,048, first picture": first, "next head, T = 2,048, exact": exact}


with ExitStack() as ends:
    folder = Path(ends.enter_context(tempfile.TemporaryDirectory()))
    if who == "chromium":
        from browsers.chromium import Chromium
        from playwright.sync_api import sync_playwright

        driver = ends.enter_context(sync_playwright())
        browser = ends.enter_context(closing(driver.chromium.launch(executable_path=programs(who)[0])))
        window: Window = ends.enter_context(closing(Chromium(browser)))
    else:
        window = ends.enter_context(closing(started(who, folder)))
    print(json.dumps({name: round(value, 1) for name, value in measured(window, folder).items()}))
