"""`mbm dashboards push` against a server that speaks Grafana's API."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.outputs.grafana import Grafana

ROOT = Path(__file__).parents[2]
TOKEN = "glsa_of_a_test"


class FakeGrafana(ThreadingHTTPServer):
    """Folders and dashboards as Grafana keeps them, under the path /grafana."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folders: dict[str, str] = {}
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.refuse: HTTPStatus | None = None
        self.wait = 0.0
        self.url = f"http://127.0.0.1:{self.server_port}/grafana"


class Handler(BaseHTTPRequestHandler):
    server: FakeGrafana

    def do_GET(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body: dict[str, Any] | None) -> None:
        time.sleep(self.server.wait)
        status, said = self.result(body)
        text = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def result(self, body: dict[str, Any] | None) -> tuple[HTTPStatus, Any]:
        if self.server.refuse:
            return self.server.refuse, {"message": "refused"}
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return HTTPStatus.UNAUTHORIZED, {"message": "Invalid API key"}
        what, _, uid = self.path.removeprefix("/grafana/api/").partition("/")
        match what, uid, body or None:
            case "folders", "", {"uid": name, "title": title}:
                self.server.folders[name] = title
                return HTTPStatus.OK, body
            case "folders", name, None if name in self.server.folders:
                return HTTPStatus.OK, {"uid": name}
            case "dashboards", "db", {"dashboard": board, "overwrite": over, "folderUid": folder}:
                return self.write(board, folder, over)
            case "dashboards", path, None:
                known = self.server.dashboards.get(path.removeprefix("uid/"))
                if known:
                    return HTTPStatus.OK, {"dashboard": known, "meta": {}}
        return HTTPStatus.NOT_FOUND, {"message": "not found"}

    def write(self, board: dict[str, Any], folder: str, overwrite: bool) -> tuple[HTTPStatus, Any]:
        known = self.server.dashboards.get(board["uid"])
        if known and not overwrite and board["version"] != known["version"]:
            return HTTPStatus.PRECONDITION_FAILED, {"status": "version-mismatch"}
        assert folder in self.server.folders
        version = known["version"] + 1 if known else 1
        self.server.dashboards[board["uid"]] = {**board, "id": 7, "version": version}
        return HTTPStatus.OK, {"uid": board["uid"], "status": "success"}

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGrafana]:
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    with FakeGrafana() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def push(grafana: FakeGrafana, *options: str) -> Result:
    words = ["dashboards", "push", "--url", grafana.url, *options]
    return CliRunner().invoke(main, words)


def test_dashboards_come_into_their_folder_and_once_more_change_nothing(
    grafana: FakeGrafana,
) -> None:
    first = push(grafana)
    assert (first.exit_code, first.output.count("new")) == (0, 5)
    assert grafana.folders == {"mbm": "Model behaviour"}
    assert len(grafana.dashboards) == 5
    again = push(grafana)
    assert (again.exit_code, again.output.count("same")) == (0, 5)
    assert {board["version"] for board in grafana.dashboards.values()} == {1}


def test_a_dry_run_writes_nothing(grafana: FakeGrafana) -> None:
    done = push(grafana, "--dry-run")
    assert done.exit_code == 0
    assert done.output.endswith("Nothing was written.\n")
    assert grafana.dashboards == {}
    assert grafana.folders == {}


def test_what_somebody_changed_is_shown_and_only_replaced_when_asked(grafana: FakeGrafana) -> None:
    push(grafana)
    grafana.dashboards["mbm-fleet"]["title"] = "Mine"
    shown = push(grafana, "--dry-run", "--diff")
    assert '-  "title": "Mine",'.replace("  ", " ") in shown.output
    refused = push(grafana)
    assert refused.exit_code == 1
    assert "412" in refused.output
    assert "--overwrite" in refused.output
    assert grafana.dashboards["mbm-fleet"]["title"] == "Mine"
    assert push(grafana, "--overwrite").exit_code == 0
    assert grafana.dashboards["mbm-fleet"]["title"] == "MBM · Fleet"


def test_links_lead_to_the_pages_that_were_named(grafana: FakeGrafana) -> None:
    push(grafana, "--site", "https://mbm.example.org/")
    (site,) = (
        variable
        for variable in grafana.dashboards["mbm-model"]["templating"]["list"]
        if variable["name"] == "site"
    )
    assert site["query"] == "https://mbm.example.org"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (HTTPStatus.UNAUTHORIZED, "does not know this token (401)"),
        (HTTPStatus.FORBIDDEN, "role Editor"),
        (HTTPStatus.INTERNAL_SERVER_ERROR, "Server Error 500"),
    ],
)
def test_what_it_refuses_is_said_in_words(
    status: HTTPStatus, words: str, grafana: FakeGrafana
) -> None:
    grafana.refuse = status
    done = push(grafana)
    assert done.exit_code == 1
    assert words in done.output
    assert len(done.output.splitlines()) == 1


def test_a_wrong_path_is_said_in_words(grafana: FakeGrafana) -> None:
    grafana.url = grafana.url.removesuffix("/grafana")
    done = push(grafana)
    assert done.exit_code == 1
    assert "404" in done.output


def test_no_answer_in_time_is_said_in_words(grafana: FakeGrafana) -> None:
    grafana.wait = 0.5
    with pytest.raises(Exception, match="no answer in time"):
        Grafana(grafana.url, TOKEN, seconds=0.1).ensure_folder("mbm", "x")


def test_no_server_is_said_in_words(grafana: FakeGrafana) -> None:
    grafana.url = "http://127.0.0.1:1"
    done = push(grafana)
    assert done.exit_code == 1
    assert "is the address right and the server up?" in done.output


def test_the_token_never_comes_from_the_command_line_nor_into_what_is_said(
    grafana: FakeGrafana, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GRAFANA_TOKEN")
    assert push(grafana).exit_code == 2
    file = tmp_path / "token"
    file.write_text("wrong\n")
    done = push(grafana, "--token-file", str(file))
    assert done.exit_code == 1
    assert "wrong" not in done.output
    file.write_text(f"{TOKEN}\n")
    assert push(grafana, "--token-file", str(file)).exit_code == 0


def test_a_folder_without_dashboards_is_a_mistake(grafana: FakeGrafana, tmp_path: Path) -> None:
    done = push(grafana, "--from", str(tmp_path))
    assert done.exit_code == 1
    assert "--from" in done.output


def test_a_wheel_brings_its_dashboards_along(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    for board in (ROOT / "dashboards").glob("*.json"):
        packed_board = tmp_path / "site/monitor/dashboards" / board.name
        assert packed_board.read_bytes() == board.read_bytes()
    asked = "from monitor.cli.dashboards import _own; print(_own())"
    found = subprocess.run(
        [sys.executable, "-c", asked],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert Path(found.stdout.strip()) == tmp_path / "site/monitor/dashboards"
