"""The shared streams as their files hold them."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

from tests.services.require import require
from tests.streams.cards import Stream

ROOT = Path(__file__).resolve().parents[3] / "shared" / "data"
KINDS = ("predictions", "decisions", "outcomes")


def folder_of(stream: Stream) -> Path:
    """Folder of a stream's files; a skip (a failure where `CI=true`) without them."""
    folder = ROOT / stream.folder
    require(folder.is_dir(), f"the shared stream {stream.folder} is not beside the checkout")
    return folder


def messages(stream: Stream, kind: str) -> list[bytes]:
    """One JSON object each, in the order of the file; none if the stream has no such file."""
    path = folder_of(stream) / f"{kind}.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path) as file:
        return [line.rstrip(b"\n") for line in file]


def events(stream: Stream, kind: str) -> list[dict[str, Any]]:
    """The same, parsed."""
    return [json.loads(message) for message in messages(stream, kind)]


def shuffled(stream: Stream, seed: int) -> list[bytes]:
    """All messages of all kinds in an order by chance, feedback before its prediction too."""
    every = [message for kind in KINDS for message in messages(stream, kind)]
    random.Random(seed).shuffle(every)
    return every
