"""Pages and API: who sees what, who may act, and that nothing written can steer them."""

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from markupsafe import escape
from werkzeug.test import Client

from monitor.detection.named import Group
from monitor.events.batch import Tally
from monitor.log.ledger import Entry
from monitor.outputs.listen import Server
from monitor.outputs.web.api import MOST, OPERATIONS, openapi
from monitor.outputs.web.facts import Trace
from monitor.outputs.web.pages import FEW_PARTITIONS
from monitor.render.advice import ADVICE
from monitor.settings.values import Address
from monitor.state import audit, incidents, ledger, results, tokens
from monitor.state.incidents import Lead, Status
from monitor.state.things import things
from monitor.state.tokens import Right
from tests.pages import DAY, END, HOSTILE, NOW, Service, fill, incident, result, service

ACTED = "/incidents/loan-2026-03-18-1"
PAGES = (
    "/",
    "/models/loan",
    "/models/loan?version=2",
    "/models/loan/card",
    "/models/loan/drilldowns",
    "/models/loan/metrics/override",
    "/models/loan/metrics/override?segment=plan%3Dx",
    "/models/loan/metrics/feature_psi",
    "/models/loan/metrics/override.svg",
    "/incidents",
    "/incidents?status=open",
    ACTED,
    "/trace",
    "/trace?id=p1",
    "/trace?id=unknown",
    "/quarantine",
    "/ledger",
    "/audit",
    "/audit?model=loan",
    "/token",
)
API = (
    "/api/v1/openapi.json",
    "/api/v1/models",
    "/api/v1/models/loan/card",
    "/api/v1/models/loan/results",
    "/api/v1/models/loan/results?window=latest&metric=override",
    "/api/v1/models/loan/slices",
    "/api/v1/models/loan/comparison?first=1&second=2/full",
    "/api/v1/models/loan/explanation?metric=override",
    "/api/v1/models/loan/drilldowns",
    "/api/v1/incidents",
    "/api/v1/incidents/loan-2026-03-18-1",
    "/api/v1/predictions?id=p1",
    "/api/v1/quarantine",
    "/api/v1/ledger",
    "/api/v1/audit?model=loan",
)


class Broken(dict[str, list[Trace]]):
    """What a trace is read from, out of order."""

    def get(self, *_: object) -> list[Trace]:
        raise RuntimeError("secret")


@pytest.fixture
def loan(tmp_path: Path) -> Iterator[Service]:
    made = service(tmp_path)
    yield made
    made.state.close()


def bearer(service: Service, *rights: Right, models: tuple[str, ...] = ()) -> dict[str, str]:
    end = NOW + timedelta(days=1)
    _, text = tokens.create(service.state, "Ada", rights, models, end, who="root", now=NOW)
    return {"Authorization": f"Bearer {text}"}


def form_of(client: Client, page: str) -> str:
    found = re.search(r'name="form" value="([^"]+)"', client.get(page).text)
    assert found
    return found[1]


@pytest.mark.parametrize("page", [*PAGES, *API])
def test_every_page_is_there_and_locked_down(page: str, loan: Service) -> None:
    answer = loan.client().get(page)
    assert answer.status_code == HTTPStatus.OK, answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if answer.mimetype == "text/html":
        assert "<script" not in answer.text
        assert " style=" not in answer.text
        assert not re.search(r'(src|href)="(?!/|#|mailto:|\?)', answer.text)


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("/nope", HTTPStatus.NOT_FOUND),
        ("/models/nope", HTTPStatus.NOT_FOUND),
        ("/models/loan?version=nope", HTTPStatus.NOT_FOUND),
        ("/models/loan/metrics/nope", HTTPStatus.NOT_FOUND),
        ("/incidents/nope", HTTPStatus.NOT_FOUND),
        ("/api/v1/models/nope/results", HTTPStatus.NOT_FOUND),
        ("/api/v1/models/loan/results?since=yesterday", HTTPStatus.BAD_REQUEST),
        ("/api/v1/models/loan/results?since=9999-12-31T23:00:00-14:00", HTTPStatus.BAD_REQUEST),
        ("/api/v1/models/loan/results?window=week", HTTPStatus.BAD_REQUEST),
        ("/api/v1/incidents?status=nope", HTTPStatus.BAD_REQUEST),
        ("/api/v1/predictions", HTTPStatus.BAD_REQUEST),
    ],
)
def test_what_is_not_there_is_said_plainly(page: str, status: HTTPStatus, loan: Service) -> None:
    answer = loan.client().get(page)
    assert answer.status_code == status
    if page.startswith("/api"):
        assert answer.json is not None
        assert answer.json["error"]


def test_a_method_that_is_not_served_is_refused(loan: Service) -> None:
    answer = loan.client().delete("/models/loan")
    assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert "GET" in answer.headers["Allow"]


def test_a_page_that_fails_tells_nothing(loan: Service) -> None:
    loan.traces = Broken()
    answer = loan.client().get("/trace?id=p1")
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "secret" not in answer.text


def test_the_fleet_shows_the_worst_first(tmp_path: Path, loan: Service) -> None:
    from tests.pages import cards_in

    fill(loan.state, "calm")
    loan.cards = cards_in(tmp_path / "more", "calm", "loan", "silent")
    names = re.findall(r'<th scope="row"[^>]*><a href="/models/(\w+)', loan.client().get("/").text)
    assert names == ["loan", "silent", "calm"]
    assert f'<a href="{ACTED}">x</a>' in loan.client().get("/").text


def test_a_model_shows_value_interval_rows_and_completeness(loan: Service) -> None:
    text = loan.client().get("/models/loan").text
    assert "10 %" in text
    assert "8 % to 12 %" in text
    assert "100 rows, 100 % complete" in text
    assert 'aria-label="Override rate: 10 %, 07 Mar to 20 Mar 2026; ' in text
    assert "Overrides rose" not in text
    assert "accuracy</a>" in text
    assert "23 % (12 % to 34 %)" in text


def test_a_model_shows_the_headline_and_folds_the_rest(loan: Service) -> None:
    text = loan.client().get("/models/loan").text
    before, *folded = text.split('<details class="part">')
    assert '<h2 id="at-a-glance">At a glance</h2>' in before
    assert "<svg" in before
    assert len(folded) > 1
    assert all("<h2>" in part.partition("</summary>")[0] for part in folded)


def test_a_card_says_what_watches_each_assumption(tmp_path: Path, loan: Service) -> None:
    card = loan.cards["loan"]
    assert (
        'href="/models/loan/metrics/low_confidence"' in loan.client().get("/models/loan/card").text
    )
    (assumed,) = card.assumptions
    unwatched = assumed.model_copy(update={"signal": "nope"})
    loan.cards = {"loan": card.model_copy(update={"assumptions": [unwatched]})}
    text = loan.client().get("/models/loan/card").text
    assert 'nothing: there is no number "nope"' in text
    assert "0 to 9" in text


def test_partitions_that_are_all_right_are_folded_but_a_few(loan: Service) -> None:
    fine = [
        Entry(1, 0, f"p{n:02}", -1, 9, Tally(10, 10, 0, {}, rows=10))
        for n in range(FEW_PARTITIONS + 2)
    ]
    ledger.copy(loan.state, [*fine, Entry(1, 0, "q", -1, 9, Tally(10, 7, 3, {}, rows=7))])
    seen, _, folded = loan.client().get("/ledger").text.partition("<details>")
    assert ">q</th>" in seen
    assert seen.count('data-of="Partition"') == FEW_PARTITIONS
    assert "and 3 more, all whole" in folded


def test_deployments_and_incidents_are_marked_on_charts(loan: Service) -> None:
    client = loan.client()
    for page in ("/models/loan", "/models/loan/metrics/override"):
        text = client.get(page).text
        assert "<title>15 Mar 2026 00:00 UTC: version 2 deployed</title>" in text, page
        assert "<title>17 Mar 2026 00:00 UTC: page loan-2026-03-18-1 likely began</title>" in text
        assert "20 Mar 2026; 15 Mar version 2 deployed; 16 Mar version x deployed; 17 Mar" in text
        assert "a version was deployed" in text
    chart = client.get("/models/loan/metrics/override.svg").text
    assert chart.count('class="mbm-deployed"') == 2
    assert chart.count('class="mbm-incident"') == 1


def test_a_chart_by_itself_carries_its_style(loan: Service) -> None:
    answer = loan.client().get("/models/loan/metrics/override.svg")
    assert answer.mimetype == "image/svg+xml"
    assert "<style>" in answer.text
    assert 'y="13">loan · 2 · Override rate: 10 %, 07 Mar to 20 Mar 2026</text>' in answer.text
    assert "sha256-" in answer.headers["Content-Security-Policy"]


def test_inputs_are_shown_to_sensitive_tokens_only(loan: Service) -> None:
    client = loan.client()
    for headers in ({}, bearer(loan), bearer(loan, Right.WRITE)):
        assert "17.5" not in client.get("/trace?id=p1", headers=headers).text
        (one,) = client.get("/api/v1/predictions?id=p1", headers=headers).json or [{}]
        assert (one["features"], one["attributes"]) == (None, None)
    allowed = bearer(loan, Right.SENSITIVE, models=("loan",))
    assert "17.5" in client.get("/trace?id=p1", headers=allowed).text
    (one,) = client.get("/api/v1/predictions?id=p1", headers=allowed).json or [{}]
    assert (one["features"]["age"], one["attributes"]) == (17.5, {"sex": "f"})
    assert "bad_json" in client.get("/quarantine").text
    message = client.get("/api/v1/quarantine", headers=bearer(loan, Right.SENSITIVE)).json
    assert message
    assert message[0]["payload"] == "eA=="


def test_a_rationale_is_for_sensitive_tokens_only(loan: Service) -> None:
    client = loan.client()
    assert "rationale" not in client.get("/trace?id=p1").text
    assert "rationale" in client.get("/trace?id=p1", headers=bearer(loan, Right.SENSITIVE)).text


@pytest.mark.parametrize(
    "page", [page for page in (*PAGES, *API) if page not in ("/token", "/api/v1/openapi.json")]
)
def test_reading_may_need_a_token(page: str, loan: Service) -> None:
    loan.reading = "token"
    client = loan.client()
    refused = client.get(page)
    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert "loan" not in refused.text.replace("loan-2026", "")
    allowed = bearer(loan, *([Right.SENSITIVE] if "audit" in page else []))
    assert client.get(page, headers=allowed).status_code == HTTPStatus.OK


@pytest.mark.parametrize("page", [page for page in (*PAGES, *API) if "loan" in page])
def test_a_token_of_another_model_sees_nothing_of_this_one(page: str, loan: Service) -> None:
    answer = loan.client().get(page, headers=bearer(loan, models=("other",)))
    assert answer.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN)
    assert "Credit" not in answer.text


def test_a_token_of_one_model_cannot_tell_which_incidents_others_have(loan: Service) -> None:
    client, other = loan.client(), bearer(loan, models=("other",))
    for root in ("", "/api/v1"):
        known = client.get(root + ACTED, headers=other)
        unknown = client.get(f"{root}/incidents/loan-2026-01-01-1", headers=other)
        assert known.status_code == unknown.status_code


def test_the_log_is_not_read_for_who_may_see_nothing(loan: Service) -> None:
    loan.reading = "token"
    loan.traces = Broken()
    for page in ("/trace?id=p1", "/api/v1/predictions?id=p1"):
        answer = loan.client().get(page)
        assert answer.status_code == HTTPStatus.UNAUTHORIZED, page


def test_a_token_that_is_worth_nothing_is_refused(loan: Service) -> None:
    headers = {"Authorization": "Bearer mbm_abc_def"}
    assert loan.client().get("/", headers=headers).status_code == HTTPStatus.UNAUTHORIZED


def test_an_incident_is_acknowledged_through_the_page_and_audited(loan: Service) -> None:
    client = loan.client()
    sent = {"form": form_of(client, ACTED), "what": "ack", "who": "Ada", "reason": "looking"}
    answer = client.post(ACTED, data=sent)
    assert (answer.status_code, answer.location) == (HTTPStatus.SEE_OTHER, ACTED)
    known = incidents.one(loan.state, "loan-2026-03-18-1")
    assert known.status is Status.ACKNOWLEDGED
    (entry,) = audit.entries(loan.state)
    assert (entry.who, entry.what, entry.reason) == (
        "Ada (without token)",
        "ack incident",
        "looking",
    )
    assert "looking" in client.get(ACTED).text


def test_a_reason_may_be_typed_in_several_lines(loan: Service) -> None:
    client = loan.client()
    said = {"form": form_of(client, ACTED), "who": "Ada", "what": "ack", "reason": "one\r\ntwo"}
    assert client.post(ACTED, data=said).status_code == HTTPStatus.SEE_OTHER
    assert audit.entries(loan.state)[-1].reason == "one\ntwo"


def test_a_token_decides_the_name_not_the_form(loan: Service) -> None:
    client = loan.client()
    _, text = tokens.create(
        loan.state, "Ada", [Right.WRITE], [], NOW + timedelta(days=1), who="root", now=NOW
    )
    kept = client.post("/token", data={"form": form_of(client, "/token"), "token": text})
    assert kept.status_code == HTTPStatus.SEE_OTHER
    cookie = client.get_cookie("mbm_token")
    assert cookie
    assert cookie.http_only
    assert cookie.same_site == "Strict"
    sent = {"form": form_of(client, ACTED), "what": "resolve", "who": "Eve", "reason": "mended"}
    client.post(ACTED, data=sent)
    assert audit.entries(loan.state)[-1].who == "Ada"


def test_a_wrong_token_is_not_kept(loan: Service) -> None:
    client = loan.client()
    answer = client.post("/token", data={"form": form_of(client, "/token"), "token": "mbm_a_b"})
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert client.get_cookie("mbm_token") is None


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({}, "forged"),
        ({}, ""),
        ({"Origin": "https://evil.example"}, None),
        ({"Origin": "null"}, None),
        ({"Sec-Fetch-Site": "cross-site"}, None),
        ({"Sec-Fetch-Site": "same-site"}, None),
    ],
)
def test_other_sites_cannot_act(headers: dict[str, str], form: str | None, loan: Service) -> None:
    client = loan.client()
    right = form_of(client, ACTED)
    sent = {"form": right if form is None else form, "what": "ack", "who": "Ada", "reason": "x"}
    answer = client.post(ACTED, data=sent, headers=headers)
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert audit.entries(loan.state) == []


@pytest.mark.parametrize("where", ["host", "listen"])
def test_beyond_loopback_acting_needs_a_token(where: str, loan: Service) -> None:
    # A name that DNS was turned to this machine for, or an address that others reach.
    base = "http://evil.example" if where == "host" else "http://127.0.0.1:9464"
    loan.listen = "0.0.0.0" if where == "listen" else "127.0.0.1"
    client = loan.client()
    said = {"what": "ack", "who": "Ada", "reason": "x"}
    url = f"/api/v1{ACTED}/acts"
    assert client.post(url, json=said, base_url=base).status_code == HTTPStatus.FORBIDDEN
    for rights, status in (((), HTTPStatus.FORBIDDEN), ((Right.WRITE,), HTTPStatus.OK)):
        headers = bearer(loan, *rights)
        assert client.post(url, json=said, headers=headers, base_url=base).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "203.0.113.9"},
        {"Host": "["},
    ],
)
def test_what_a_proxy_passes_on_is_not_of_this_machine(
    headers: dict[str, str], loan: Service
) -> None:
    client = loan.client()
    sent = {"what": "ack", "who": "Ada", "reason": "x"}
    url = f"/api/v1{ACTED}/acts"
    assert client.post(url, json=sent, headers=headers).status_code == HTTPStatus.FORBIDDEN
    assert audit.entries(loan.state) == []


def test_the_audit_log_is_for_sensitive_tokens_and_this_machine(loan: Service) -> None:
    client = loan.client()
    incidents.add(loan.state, incident("other"))
    for of in ("loan", "other"):
        said = {"what": "ack", "who": HOSTILE, "reason": f"seen by {of}"}
        client.post(f"/api/v1/incidents/{of}-2026-03-18-1/acts", json=said)

    def seen(page: str, **more: Any) -> set[str]:  # noqa: ANN401
        answer = client.get(page, **more)
        assert answer.status_code == HTTPStatus.OK, answer.text
        return {word for word in ("by loan", "by other", "create token") if word in answer.text}

    assert seen("/audit") == {"by loan", "by other"}
    assert "&lt;script&gt;" in client.get("/audit").text
    assert seen("/audit?model=loan") == seen("/api/v1/audit?model=loan") == {"by loan"}
    one = bearer(loan, Right.SENSITIVE, models=("loan",))
    assert seen("/audit", headers=one) == seen("/api/v1/audit", headers=one) == {"by loan"}
    everything = bearer(loan, Right.SENSITIVE)
    assert seen("/audit", headers=everything) == {"by loan", "by other", "create token"}
    assert seen("/audit?before=2", headers=everything) == {"by loan"}
    assert client.get("/audit?model=other", headers=one).status_code == HTTPStatus.NOT_FOUND
    assert client.get("/audit?before=x").status_code == HTTPStatus.BAD_REQUEST
    for page in ("/audit", "/audit?model=loan", "/api/v1/audit"):
        reader = client.get(page, headers=bearer(loan))
        assert reader.status_code == HTTPStatus.FORBIDDEN
        away = client.get(page, base_url="http://evil.example")
        assert away.status_code == HTTPStatus.UNAUTHORIZED
        assert "seen" not in reader.text + away.text


def test_older_entries_are_a_page_on(loan: Service) -> None:
    for _ in range(205):
        audit.add(loan.state, "Ada", "mute signal", "loan", "because", {}, NOW)
    first = loan.client().get("/audit?model=loan").text
    link = re.search(r'href="(/audit[^"]*before=[^"]*)"', first)
    assert link
    rest = loan.client().get(link[1].replace("&amp;", "&")).text
    assert (first.count("because"), rest.count("because")) == (200, 5)
    assert "Older" not in rest


def test_a_page_of_evidentlys_is_alone_in_a_sandbox(loan: Service) -> None:
    loan.weeks = {"2026-W10": b"<script>1</script>", "2026-W11": b"<script>2</script>"}
    client = loan.client()
    listed = client.get("/models/loan/drilldowns").text
    assert re.findall(r"drilldowns/([^\"]+)", listed) == ["2026-W11", "2026-W10"]
    assert client.get("/api/v1/models/loan/drilldowns").json == ["2026-W11", "2026-W10"]
    shown = client.get("/models/loan/drilldowns/2026-W11")
    assert shown.text == "<script>2</script>"
    policy = shown.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert "http" not in policy
    for path in ("/models/loan/drilldowns/2026-W01", "/models/nope/drilldowns/2026-W11"):
        assert client.get(path).status_code == HTTPStatus.NOT_FOUND
    other = bearer(loan, models=("other",))
    hidden = client.get("/models/loan/drilldowns/2026-W11", headers=other)
    assert hidden.status_code == HTTPStatus.NOT_FOUND


def test_an_answer_is_bounded_before_it_is_read(
    loan: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def latest(*_: object, limit: int, **__: object) -> list[str]:
        asked.append(limit)
        return ["result"] * limit

    monkeypatch.setattr(results, "latest", latest)
    answer = loan.client().get("/api/v1/models/loan/results?window=all")
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert f"more than {MOST} results" in answer.text
    assert asked == [MOST + 1]


def test_slices_are_those_of_the_newest_window_or_of_one_that_is_named(loan: Service) -> None:
    client = loan.client()
    (one,) = client.get("/api/v1/models/loan/slices").json or [{}]
    assert (one["words"], one["rate"], one["examples"]) == ("x", 0.31, ["p1"])
    at = (END - DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert client.get(f"/api/v1/models/loan/slices?start={at}").json == [one]
    assert client.get("/api/v1/models/loan/slices?start=2020-01-01T00:00:00Z").json == []


@pytest.mark.parametrize("asked", ["comparison?first=1", "explanation", "slices?start=then"])
def test_a_question_without_its_parts_says_what_is_missing(asked: str, loan: Service) -> None:
    answer = loan.client().get(f"/api/v1/models/loan/{asked}")
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert any(word in answer.text for word in ("second=", "metric=", "start: "))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LookupError("no such window"), HTTPStatus.NOT_FOUND),
        (TimeoutError("others are asked"), HTTPStatus.SERVICE_UNAVAILABLE),
    ],
)
def test_what_cannot_be_explained_has_its_reason(
    error: Exception, status: HTTPStatus, loan: Service
) -> None:
    def fails(*_: object) -> list[dict[str, object]]:
        raise error

    loan.explained = fails
    answer = loan.client().get("/api/v1/models/loan/explanation?metric=override")
    assert (answer.status_code, answer.json) == (
        status,
        {"error": str(error), "status": int(status)},
    )


def test_the_api_takes_json_only(loan: Service) -> None:
    client = loan.client()
    url = f"/api/v1{ACTED}/acts"
    form = client.post(url, data={"what": "ack", "reason": "x"})
    assert form.status_code == HTTPStatus.BAD_REQUEST
    for said in ("{", "[]", '{"what": "ack"}', '{"what": "nope", "reason": "x"}'):
        answer = client.post(url, data=said, content_type="application/json")
        assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert client.post(url, json={"what": "ack", "reason": "x"}).status_code == HTTPStatus.OK
    ended = client.post(url, json={"what": "resolve", "reason": "x"})
    assert (ended.json or {})["status"] == "resolved"
    again = client.post(url, json={"what": "ack", "reason": "x"})
    assert again.status_code == HTTPStatus.CONFLICT
    assert "already" in again.text


@pytest.mark.parametrize("reason", ["", " ", "x" * 2_001, "a\x1b[31mb", "a\r\nX: y"])
def test_a_reason_is_plain_text(reason: str, loan: Service) -> None:
    answer = loan.client().post(f"/api/v1{ACTED}/acts", json={"what": "ack", "reason": reason})
    assert answer.status_code == HTTPStatus.CONFLICT
    assert audit.entries(loan.state) == []


def test_a_large_body_is_refused(loan: Service) -> None:
    client = loan.client()
    sent = {"form": form_of(client, ACTED), "reason": "x" * 100_000}
    assert client.post(ACTED, data=sent).status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_hostile_names_stay_text_everywhere(tmp_path: Path) -> None:
    model = HOSTILE.replace("@", "")
    made = service(tmp_path, model, HOSTILE, HOSTILE)
    client = made.client()
    shown = quote(model, safe="")
    sensitive = bearer(made, Right.SENSITIVE)
    pages = [page.replace("loan", shown, 1) for page in PAGES if "incidents/" not in page]
    (one,) = incidents.listing(made.state)
    pages.append("/incidents/" + quote(one.id, safe=""))
    for page in pages:
        answer = client.get(page, headers=sensitive)
        assert answer.status_code == HTTPStatus.OK, page
        assert not re.search(r"<script|<img|onerror=alert\(1\)>", answer.text), page
        assert "49=cmd" not in answer.text, page
        for header in answer.headers.values():
            assert "\n" not in header
    text = client.get("/models/" + shown).text
    assert "&lt;script&gt;" in text
    made.state.close()


def test_marks_that_nobody_sees_are_shown_in_pages_and_left_in_addresses_and_the_api(
    tmp_path: Path,
) -> None:
    model, feature, text = "lo\u202ena", "a\u200bge", "b\u2066c\x1b"
    made = service(tmp_path, model, feature, text)
    client = made.client()
    shown = quote(model, safe="")
    pages = [page.replace("loan", shown, 1) for page in PAGES if "incidents/" not in page]
    (one,) = incidents.listing(made.state)
    pages += [f"/incidents/{quote(one.id, safe='')}", f"/trace?id={quote(model)}"]
    told = ""
    for page in pages:
        answer = client.get(page, headers=bearer(made, Right.SENSITIVE))
        assert answer.status_code == HTTPStatus.OK, page
        # What a form sends back is the name itself.
        seen = re.sub(r' value="[^"]*"', "", answer.text)
        assert not [c for c in seen if not (c.isprintable() or c == "\n")], page
        told += answer.text
    for escaped in (r"lo\u202ena", r"a\u200bge", r"b\u2066c\x1b"):
        assert escaped in told
    assert f'value="{model}"' in told
    assert f'href="/models/{shown}"' in told
    assert {each["model"] for each in json.loads(client.get("/api/v1/models").text)} == {model}
    made.state.close()


@pytest.mark.parametrize("model", ["team/loan%2F", "a/card", "../b?c#d&e ü%25/"])
def test_names_with_slashes_have_addresses_of_our_own_and_of_dashboards(
    tmp_path: Path, model: str
) -> None:
    made = service(tmp_path, model)
    found = re.search(r'href="(/models/[^"]+)"', made.client().get("/").text)
    assert found
    # What `percentencode` of Grafana makes, and links in mails.
    encoded = f"/models/{quote(model, safe='')}"
    assert found[1] == encoded
    (one,) = incidents.listing(made.state)
    with Server(Address("127.0.0.1", 0), {}, made.site()) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        pages = {}
        for path in (encoded, f"{encoded}/card", f"/incidents/{quote(one.id, safe='')}"):
            with urllib.request.urlopen(server.url + path, timeout=5) as answer:
                pages[path] = answer.read().decode()
        server.shutdown()
        thread.join()
    assert all(escape(model) in page for page in pages.values())
    assert len({page.partition("</title>")[0] for page in pages.values()}) == len(pages)
    made.state.close()


def test_a_line_in_the_address_cannot_forge_a_line_of_the_log(
    loan: Service, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("x")

    loan.traces = Broken()
    loan.client().get("/trace?id=a%0AERROR%20forged")
    monkeypatch.setattr(incidents, "one", broken)
    answer = loan.client().get("/incidents/a%0AERROR%20forged%1B[31m")
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "failed" in caplog.text
    assert "\x1b" not in caplog.text
    assert not any(line.startswith("ERROR forged") for line in caplog.text.splitlines())


def test_every_operation_is_described_and_answers_as_it_says(loan: Service) -> None:
    described = openapi()
    assert len(described["paths"]) == len({one.path for one in OPERATIONS})
    client = loan.client()
    for page in API[1:]:
        path = page.partition("?")[0]
        (template,) = (
            known
            for known in described["paths"]
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path)
        )
        answer = described["paths"][template]["get"]["responses"]["200"]
        schema = answer["content"]["application/json"]["schema"]
        document = {**schema, "components": described["components"]}
        jsonschema.validate(json.loads(client.get(page).text), document)


def test_pages_come_compressed_to_who_understands_it(loan: Service) -> None:
    client = loan.client()
    packed = client.get("/models/loan", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in client.get("/models/loan").headers


def test_an_incident_tells_its_story(loan: Service) -> None:
    incidents.add(loan.state, incident(summary="Overrides of team south rose"))
    text = loan.client().get("/incidents/loan-2026-03-18-2").text
    for words in ("Overrides of team south rose", "team=south", "8 %", "25 %", "10 % to 24 %"):
        assert words in text
    assert 'href="/trace?id=p1"' in text
    assert "Talk with the team" in text
    assert "version 2, 100 % of the traffic, 2026-03-16 08:00" in text


def test_an_incident_of_which_little_is_known_is_shown(loan: Service) -> None:
    for story in ({}, {"deployments": [{"version": "2"}], "runbook": "what nobody knows"}):
        known = incidents.add(loan.state, incident(leads=(), story=story, summary=""))
        answer = loan.client().get(f"/incidents/{known.id}")
        assert answer.status_code == HTTPStatus.OK
        assert known.id in answer.text


def test_there_is_advice_for_every_family_of_signals() -> None:
    assert set(ADVICE) == set(Group)


def test_an_incident_is_told_a_thing_at_a_time(loan: Service) -> None:
    def lead(signal: str, **more: Any) -> Lead:  # noqa: ANN401
        (first,) = incident().leads
        return replace(first, signal=signal, segment="", column="age", unit="sigma", **more)

    tails = {"metric": "feature_tails", "kind": "tails", "before": None, "after": None}
    moved = (
        lead("features/age/tails@1", part=0.9, version="1", since=NOW, **tails),
        lead("features/age/location@1", part=0.1, version="1", kind="location"),
        lead("features/age/tails@2", part=0.9, **tails),
        *incident().leads,
    )
    age, override = things(moved)
    assert (age.lead.kind, age.versions, age.also) == ("location", ("1", "2"), ("tails up",))
    assert age.since == min(one.since for one in moved[:3])
    assert override.lead.segment == "team=south"
    one = incidents.add(loan.state, incident(leads=moved, story={"runbook": "features"}))
    row = result("override", 0.3, segment="team=south", end=one.opened, start=one.since)
    results.add(loan.state, [row, replace(row, start=row.end, end=row.end + DAY)])
    text = loan.client().get(f"/incidents/{one.id}").text
    assert "All 4 signals" in text
    assert "16,000 to 1 against nothing having changed" in text
    assert "<h3>Override rate, version 2, in team=south</h3>" in text
    assert text.count('<tr><th scope="row" data-of="What">') == 2 + 4
    assert f"<strong>age:</strong> {ADVICE[Group.FEATURES]}" in text


def test_a_number_that_is_unknown_says_why_and_what_was_known(loan: Service) -> None:
    text = re.sub(r"\s+", " ", loan.client().get("/models/loan").text)
    assert "Unknown now: no labels yet. Last known: 90 %, " in text
