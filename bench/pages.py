"""Pages of 200 models with 100 signals each, and what reading them costs a scrape."""

import gzip
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench.figures import Figure, Goal
from monitor.cards.load import load_cards
from monitor.jobs.serve import serve
from monitor.metrics import CATALOGUE
from monitor.metrics.base import Per
from monitor.settings.service import Settings
from monitor.state import incidents, progress, results
from monitor.state.database import State
from tests.pages import END, NOW, incident, result

GOAL = Goal(200)
"""Milliseconds that a page may take."""

CARD = """\
model: {model}
owner: {{team: Credit, mail: credit@example.org}}
versions: ["2"]
contract: {{features: {features}, prediction: {{classes: [no, yes], positive: yes}}}}
"""


def figures(*, quick: bool) -> Iterator[Figure]:
    models, days = (20, 10) if quick else (200, 60)
    with tempfile.TemporaryDirectory(prefix="mbm-bench-") as name:
        folder = Path(name)
        fill(folder, models, days)
        with served(folder) as url:
            wait_for(f"{url}/models/m000")
            alone = times(f"{url}/metrics", 9)
            pages = {
                "fleet": "/",
                "model": "/models/m000",
                "number": "/models/m000/metrics/feature_psi",
                "incidents": "/incidents",
                "incident": f"/incidents/m000-{END.date()}-1",
                "card": "/models/m000/card",
                "API fleet": "/api/v1/models",
                "chart": "/models/m000/metrics/low_confidence.svg",
            }
            for called, path in pages.items():
                took = times(url + path, 9)
                yield Figure(f"{called}, wall", 1e3 * median(took), "ms", goal=GOAL)
            with busy(url, ["/", "/models/m000"]):
                both = times(f"{url}/metrics", 9)
            yield Figure(
                "a scrape while two read pages, wall",
                1e3 * median(both),
                "ms",
                beside="alone",
                other=1e3 * median(alone),
                goal=GOAL,
            )


def fill(folder: Path, models: int, days: int) -> None:
    """A state with that many models, a hundred series each; of the first all days."""
    (folder / "cards").mkdir()
    features = [f"f{n:02}" for n in range(40)]
    declared = "{" + ", ".join(f"{one}: {{type: number}}" for one in features) + "}"
    single = [metric.name for metric in CATALOGUE if metric.per is Per.MODEL][:60]
    columns = [(name, "") for name in single] + [("feature_psi", one) for one in features]
    state = State.open(f"sqlite:///{folder}/data/state.db")
    for n in range(models):
        model = f"m{n:03}"
        card = CARD.format(model=model, features=declared)
        (folder / "cards" / f"{model}.yaml").write_text(card)
        rows = []
        for day in range(days if n == 0 else days // 5):
            end = END - timedelta(days=day)
            of = {"model": model, "start": end - timedelta(days=1), "end": end}
            rows += [
                result(
                    metric, 0.1 + (day % 7) / 100, column_name=column, lower=0.05, upper=0.2, **of
                )
                for metric, column in columns
            ]
        rows += [replace(row, window_kind="latest") for row in rows[: len(columns)]]
        results.add(state, rows)
        progress.close(state, model, "inputs", END)
        incidents.add(state, incident(model, opened=END))
    state.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a service on that state."""
    settings = Settings.model_validate(
        {
            "store": "data",
            "cards": "cards",
            "sources": {"events": {"files": {"path": "events"}}},
            "serve": {"listen": "127.0.0.1:0"},
        },
        context={"folder": folder},
    )
    state = State.open(settings.state_uri())
    stop, told, urls = threading.Event(), threading.Event(), list[str]()

    def note(url: str) -> None:
        urls.append(url)
        told.set()

    thread = threading.Thread(
        target=serve,
        args=(settings, load_cards(settings.cards), state),
        kwargs={"stop": stop, "told": note, "clock": lambda: NOW},
    )
    thread.start()
    told.wait()
    yield urls[0]
    stop.set()
    thread.join()
    state.close()


def wait_for(url: str) -> None:
    """Wait until the first look at the state is done and every template compiled."""
    for _ in range(150):
        with urllib.request.urlopen(url) as answer:
            if b"mbm-line" in answer.read():
                return
        time.sleep(0.2)
    raise TimeoutError(url)


def times(url: str, count: int) -> list[float]:
    """Seconds of each of some requests, after one that is not counted."""
    found = []
    for _ in range(count + 1):
        begin = time.perf_counter()
        request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
        found.append(time.perf_counter() - begin)
        if answer.headers.get("Content-Encoding") == "gzip":
            gzip.decompress(body)
    return found[1:]


@contextmanager
def busy(url: str, paths: list[str]) -> Iterator[None]:
    """A reader for each of these pages, who reads it again and again."""
    stop = threading.Event()

    def read(path: str) -> None:
        while not stop.is_set():
            with urllib.request.urlopen(url + path) as answer:
                answer.read()

    threads = [threading.Thread(target=read, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()
