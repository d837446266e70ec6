"""Version of this program, as packages, results and series carry it."""

from typing import Final

VERSION: Final = "0.1.0"
