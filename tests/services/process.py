"""A program on loopback that lives as long as a `with` block."""

import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.services.kafka import free_ports
from tests.services.require import require_program


class Server(ABC):
    """A server of Prometheus' kind: one port, a folder of its own, `/-/ready`.

    Attributes:
        program: its name.
        install: says how to install it.
        address: host and port, once it runs.
    """

    program: str
    install: str
    address: str

    _process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepared(self, folder: Path) -> Sequence[str]:
        """Arguments of the program, once its files are in the folder."""

    def __enter__(self) -> Self:
        program = require_program(self.program, self.install)
        self._folder = tempfile.TemporaryDirectory(prefix=f"mbm-{self.program}-")
        folder = Path(self._folder.name)
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        arguments = [*self.prepared(folder), f"--web.listen-address={self.address}"]
        with (folder / "log").open("wb") as out:
            self._process = subprocess.Popen(
                [program, *arguments], stdout=out, stderr=subprocess.STDOUT
            )
        until = time.monotonic() + 30
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                said = self.log()
                self.__exit__()
                raise RuntimeError(f"{self.program} did not start: {said}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._folder.cleanup()

    def log(self) -> str:
        """The last that it said."""
        return (Path(self._folder.name) / "log").read_text()[-4000:]

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False
