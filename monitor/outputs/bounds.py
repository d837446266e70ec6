"""How many values a label of a series may have."""

from typing import Final

MOST_VERSIONS: Final = 20
"""Versions of a model that have series of their own: in ingest the first that come, the others
together as "other"; in results those of its card first, then those with most rows."""

MOST_PARTITIONS: Final = 100
"""Partitions of a source whose lag is shown by name; the others are summed as "other"."""
