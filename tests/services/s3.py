"""An object store on loopback that speaks S3 and refuses to overwrite when asked to: moto's.

with ObjectStore() as s3:
    Store(s3.bucket("log"), s3.options)
"""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import nullcontext
from threading import Lock
from typing import Any, Final, Self

from tests.services.kafka import free_ports

ID: Final = "an-access-key"
SECRET: Final = "a-secret-that-no-message-may-hold"
PATIENCE: Final = 60.0


class ObjectStore:
    """A server that keeps its objects in memory while its block lasts.

    Attributes:
        url: its address.
    """

    url: str

    def __enter__(self) -> Self:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "tests.services.s3", str(port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + PATIENCE
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise RuntimeError("moto's server did not start")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def options(self) -> dict[str, str]:
        """What `storage_options` say to reach it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    def bucket(self, name: str) -> str:
        """URI of a new, empty bucket."""
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT")):
            return f"s3://{name}"

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/moto-api/", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


def main(port: int) -> None:
    """Serve until killed."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    moto = DomainDispatcherApplication(create_backend_app)
    writing = Lock()

    def application(environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401
        # moto looks whether an object is there and writes it in two steps.
        with writing if environ["REQUEST_METHOD"] == "PUT" else nullcontext():
            return moto(environ, start_response)

    run_simple("127.0.0.1", port, application, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
