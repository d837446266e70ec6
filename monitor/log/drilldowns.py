"""Pages that take a week of a model apart, kept beside the log: the newest few of each model."""

import gzip
import hashlib
from pathlib import Path
from typing import Final

from deltalake.exceptions import DeltaError, TableNotFoundError

from monitor.errors import LogError
from monitor.log.files import Storage
from monitor.log.store import Store

KEPT: Final = 6
"""Pages of a model, the newest; about a megabyte each."""

_ENDING: Final = ".html.gz"


class Drilldowns:
    """The pages of a log."""

    def __init__(self, store: Store) -> None:
        self._storage = Storage(store.table("drilldowns"), store.options)

    def put(self, model: str, week: str, page: bytes) -> None:
        """Keep a page; of the model's older ones only the newest stay.

        Args:
            model: whose.
            week: in ISO 8601: 2026-W12.
            page: HTML.

        Raises:
            LogError: it cannot be written.
        """
        if "://" not in self._storage.uri:
            Path(self._storage.uri).mkdir(parents=True, exist_ok=True)
        self._storage.write(_path(model, week), gzip.compress(page, mtime=0))
        old = self.weeks(model)[KEPT:]
        self._storage.delete([_path(model, each) for each in old])

    def get(self, model: str, week: str) -> bytes | None:
        """The page of a week, None if there is none."""
        if week not in self.weeks(model):
            return None
        return gzip.decompress(self._storage.read(_path(model, week)))

    def weeks(self, model: str) -> list[str]:
        """Weeks that have a page, the newest first.

        Raises:
            LogError: the place cannot be read.
        """
        try:
            names = self._storage.names(_folder(model))
        except (FileNotFoundError, TableNotFoundError):
            return []
        except (OSError, DeltaError) as error:
            raise LogError(f"{self._storage.uri} cannot be read: {error}") from error
        weeks = (name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING))
        return sorted(weeks, reverse=True)


def _folder(model: str) -> str:
    """A model's name may hold anything."""
    return hashlib.sha256(model.encode()).hexdigest()[:32]


def _path(model: str, week: str) -> str:
    return f"{_folder(model)}/{week}{_ENDING}"
