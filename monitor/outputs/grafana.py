"""Dashboards brought to a Grafana, through its HTTP API."""

import difflib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from monitor.errors import MonitorError

SECONDS: Final = 15.0
"""How long one answer of Grafana may take."""

_THEIRS: Final = ("id", "version")
"""What Grafana itself writes into a dashboard."""


@dataclass(frozen=True, slots=True)
class Change:
    """What stands in Grafana beside what should.

    Attributes:
        uid: of the dashboard.
        title: of the dashboard.
        what: new, changed or same.
        diff: lines of a unified diff, empty unless it is changed.
    """

    uid: str
    title: str
    what: Literal["new", "changed", "same"]
    diff: tuple[str, ...] = ()


class Grafana:
    """A Grafana server; its own errors come as a `MonitorError` that says what to do.

    Args:
        url: as people open it, with a path where it lies under one.
        token: of a service account that may write dashboards.

        seconds: how long one answer may take.

    Raises:
        MonitorError: the package that speaks with Grafana is not installed.
    """

    def __init__(self, url: str, token: str, seconds: float = SECONDS) -> None:
        try:
            from grafana_client.api import GrafanaApi
        except ImportError as error:
            raise MonitorError(
                f'{error}; install what speaks with Grafana: pip install ".[grafana]"'
            ) from error
        self._url = url.rstrip("/")
        # The client joins path and "api" as they are.
        address = f"{self._url}/" if urlsplit(self._url).path else self._url
        self._api = GrafanaApi.from_url(address, credential=token, timeout=seconds)

    def change(self, wanted: Mapping[str, Any]) -> Change:
        """What pushing this dashboard would change."""
        uid, title = wanted["uid"], wanted["title"]
        with self._clear(f'dashboard "{title}"'):
            found = self._or_none(lambda: self._api.dashboard.get_dashboard(uid))
        if found is None:
            return Change(uid, title, "new")
        lines = tuple(
            difflib.unified_diff(
                _lines(found["dashboard"]), _lines(wanted), "Grafana", "here", lineterm="", n=2
            )
        )
        return Change(uid, title, "changed" if lines else "same", lines)

    def ensure_folder(self, uid: str, title: str) -> None:
        """Make the folder unless it is there."""
        with self._clear(f'folder "{title}"'):
            if self._or_none(lambda: self._api.folder.get_folder(uid)) is None:
                self._api.folder.create_folder(title, uid=uid)

    def push(self, wanted: Mapping[str, Any], folder: str, *, overwrite: bool) -> None:
        """Write a dashboard; one that is there is only replaced with `overwrite`."""
        with self._clear(f'dashboard "{wanted["title"]}"'):
            self._api.dashboard.update_dashboard(
                {
                    "dashboard": {**wanted, "id": None, "version": 0},
                    "folderUid": folder,
                    "message": "mbm dashboards push",
                    "overwrite": overwrite,
                }
            )

    def _or_none(self, get: Any) -> Any:  # noqa: ANN401 - what JSON holds
        from grafana_client.client import GrafanaClientError

        try:
            return get()
        except GrafanaClientError as error:
            if error.status_code != HTTPStatus.NOT_FOUND:
                raise
            return None

    @contextmanager
    def _clear(self, what: str) -> Iterator[None]:
        """Errors of the client and of the network as words about what to do."""
        import niquests
        from grafana_client.client import GrafanaException, GrafanaTimeoutError

        where = f"Grafana at {self._url}, {what}"
        try:
            yield
        except (GrafanaTimeoutError, niquests.exceptions.Timeout) as error:
            raise MonitorError(f"{where}: no answer in time; is it up and reachable?") from error
        except GrafanaException as error:
            raise MonitorError(f"{where}: {_advice(error.status_code, error.message)}") from error
        except (niquests.exceptions.RequestException, OSError) as error:
            raise MonitorError(
                f"{where}: {type(error).__name__}: {error}; is the address right and the server up?"
            ) from error


def _advice(status: int, message: str) -> str:
    """What to do about an answer of Grafana's."""
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return "it does not know this token (401); make one for a service account"
        case HTTPStatus.FORBIDDEN:
            return "the token may not do this (403); give its service account the role Editor"
        case HTTPStatus.NOT_FOUND:
            return "it has no such thing (404); is a path missing at the end of the URL?"
        case HTTPStatus.PRECONDITION_FAILED:
            return (
                "it has another one there (412); see what differs with --diff, "
                "then replace it with --overwrite"
            )
        case _:
            return f"{message}"


def _lines(dashboard: Mapping[str, Any]) -> list[str]:
    ours = {key: value for key, value in dashboard.items() if key not in _THEIRS}
    return json.dumps(ours, indent=1, sort_keys=True, ensure_ascii=False).splitlines()
