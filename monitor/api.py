"""The service as Python sees it: results and SQL as Arrow tables, for notebooks and scripts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import pyarrow as pa

from monitor.cards.card import Card
from monitor.control.question import Question
from monitor.errors import MonitorError
from monitor.jobs.compare import compare
from monitor.jobs.compare import table_of as compared_table
from monitor.jobs.explain import explained
from monitor.jobs.explain_rows import table_of
from monitor.jobs.query import answer
from monitor.jobs.sampled_drift import drifts
from monitor.jobs.sampled_drift import table_of as drift_table
from monitor.jobs.service import Opened, opened
from monitor.jobs.side_by_side import Which
from monitor.metrics import BY_NAME
from monitor.render.notebook import SHOWN, table
from monitor.settings.check import nearest
from monitor.state.arrow import results_table, slices_table
from monitor.state.history import history
from monitor.state.results import latest
from monitor.state.slices import followed

if TYPE_CHECKING:
    import pandas as pd

WindowKind = Literal["publish", "latest", "detect", "all"]


class UnknownNameError(MonitorError):
    """A model or metric that there is none of; the message names the nearest."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A table of results or of an answer; notebooks show its first rows.

    Attributes:
        arrow: the table itself.
    """

    arrow: pa.Table

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows, one dict each."""
        for batch in self.arrow.to_batches():
            yield from batch.to_pylist()

    def pandas(self) -> "pd.DataFrame":
        """The table as pandas has it; needs pandas, which the service itself does not install.

        Raises:
            ImportError: pandas is not installed.
        """
        return self.arrow.to_pandas()

    def select(self, columns: Sequence[str]) -> Self:
        """The same rows with some columns only."""
        return type(self)(self.arrow.select(list(columns)))

    def _repr_html_(self) -> str:
        first = self.arrow.slice(0, SHOWN).to_pylist()
        return table(self.arrow.column_names, first, len(self))


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A chart; notebooks show it.

    Attributes:
        svg: an SVG document.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True, slots=True, eq=False)
class Monitor:
    """A service that was opened to be read; nothing here writes to its log or results."""

    parts: Opened

    @classmethod
    def open(cls, settings: str | Path = "service.yaml") -> Self:
        """The service whose settings stand in a file.

        Raises:
            ConfigurationError: every mistake of the settings and cards at once.
            StateError: the state cannot be opened.
        """
        return cls(opened(Path(settings)))

    @property
    def models(self) -> list[str]:
        """Names of the models that have a card."""
        return sorted(self.parts.cards)

    def card(self, model: str) -> Card:
        """What is said of a model.

        Raises:
            UnknownNameError: no card is of this model.
        """
        _refuse_unknown("model", model, self.models)
        return self.parts.cards[model]

    def results(
        self,
        model: str,
        *,
        metric: str | None = None,
        version: str | None = None,
        segment: str | None = None,
        window: WindowKind = "publish",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Rows:
        """The newest revision of each result, as `mbm results` prints them.

        Args:
            model: whose.
            metric: only this one; None for all, and so for the other names.
            version: only this version of the model.
            segment: only this segment; "" is all rows together.
            window: published windows, the sliding latest one, those of detection, or all.
            since: only windows that end after this time, aware.
            until: only windows that start before this time, aware.

        Raises:
            UnknownNameError: there is no such model or metric.
        """
        _refuse_unknown("model", model, self.models)
        if metric is not None:
            _refuse_unknown("metric", metric, list(BY_NAME))
        found = latest(
            self.parts.state,
            model=model,
            metric=metric,
            version=version,
            segment=segment,
            window_kind=None if window == "all" else window,
            since=since,
            until=until,
        )
        return Rows(results_table(found))

    def explain(
        self,
        model: str,
        metric: str,
        *,
        column: str = "",
        window: datetime | None = None,
        against: datetime | None = None,
        version: str | None = None,
    ) -> Rows:
        """Why a number of a published window is another than before, as `mbm explain` prints it.

        Args:
            model: whose.
            metric: the number that moved.
            column: the class it is about, as results name it; "" for none.
            window: a moment in the window; by default the newest closed one.
            against: a moment in an earlier window; by default the one before.
            version: only rows of this version.

        Raises:
            UnknownNameError: there is no such model or metric.
            NoWindowError: there is no such window, or nothing in it.
        """
        card = self.card(model)
        _refuse_unknown("metric", metric, list(BY_NAME))
        question = Question(metric, column, window, against, version)
        found = explained(self.parts.state, self.parts.store, card, question)
        return Rows(table_of(found))

    def compare(
        self, model: str, first: str, second: str, *, window: datetime | None = None
    ) -> Rows:
        """Two versions (or "version/stage") side by side, as `mbm compare` prints them.

        Raises:
            UnknownNameError: there is no such model.
            NoWindowError: there is no such window, or one of the two has no results in it.
        """
        card = self.card(model)
        rows = compare(self.parts, card, Which.of(first), Which.of(second), window=window)
        return Rows(compared_table(rows))

    def drift(
        self,
        model: str,
        *,
        window: datetime | None = None,
        evidently: Sequence[tuple[str, str]] = (),
        since_deployment: bool = False,
    ) -> Rows:
        """A window's rows against the reference's, as `mbm drift` prints it.

        Args:
            model: whose features.
            window: a moment in the window; by default the newest closed one.
            evidently: pairs of a feature and one of Evidently's methods.
            since_deployment: compare the time since the last deployment with that before it.

        Raises:
            UnknownNameError: there is no such model.
            NoWindowError: there is no such window, or no deployment.
        """
        card = self.card(model)
        found = drifts(
            self.parts, card, window=window, asked=evidently, since_deployment=since_deployment
        )
        return Rows(drift_table(found))

    def slices(self, model: str) -> Rows:
        """Where edge cases cluster, window by window, as `mbm slices --history` prints it.

        Raises:
            UnknownNameError: there is no such model.
        """
        _refuse_unknown("model", model, self.models)
        return Rows(slices_table(followed(self.parts.state, model)))

    def chart(
        self,
        model: str,
        metric: str,
        *,
        version: str | None = None,
        column: str = "",
        segment: str = "",
    ) -> Picture:
        """How a published number moved in the last 60 days, as on its page.

        Args:
            model: whose.
            metric: name of the metric.
            version: of the model; None for the last of its card that has results.
            column: feature, attribute or output, where there is one value for each.
            segment: only this one; "" is all rows together.

        Raises:
            UnknownNameError: there is no such model or metric.
        """
        from monitor.outputs.marks import marks
        from monitor.outputs.web.look import SPAN, chart_of
        from monitor.render.chart import svg

        card = self.card(model)
        _refuse_unknown("metric", metric, list(BY_NAME))
        since = datetime.now(UTC) - SPAN
        lines = history(
            self.parts.state, model, since, metrics=[metric], columns=[column], segment=segment
        )
        found = {line.version: moments for line, moments in lines.items()}
        named = [one for one in card.versions if one in found] or list(found)
        chosen = version if version is not None else (named or [""])[-1]
        about = BY_NAME[metric]
        called = " · ".join(filter(None, (model, chosen, column, segment, about.title)))
        moments = found.get(chosen, [])
        marked = marks(self.parts.state, model, since)
        drawn = chart_of(
            card,
            about,
            moments,
            called=called,
            marks=marked,
            width=640,
            height=176,
            is_headed=True,
        )
        return Picture(svg(drawn, alone=True))

    def query(self, sql: str) -> Rows:
        """The answer to one SELECT over the log and the results, as `mbm query` gives it.

        Raises:
            QueryError: the statement does something else, or is wrong.
        """
        with answer(self.parts, sql) as batches:
            return Rows(batches.read_all())


def _refuse_unknown(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise UnknownNameError(f'there is no {what} "{name}"; {nearest(name, known)}')
