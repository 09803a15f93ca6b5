"""Who may do what: tokens and scopes, the sign-in link, strangers, other sites' pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api.cli import app
from api.sessions import CODE_LIFE_S, FAILURES_MAX, SESSION_LIFE_S, Sessions
from api.tokens import Scope, TokenStore
from tests.api.serving import Served


@pytest.fixture
def browser(site: Served) -> Iterator[httpx.Client]:
    """A browser that followed a sign-in link."""
    with site.stranger() as client:
        code = site.sessions.make_code("mei", [Scope.OPERATE])
        assert client.get(f"/sign-in?code={code}").status_code == 303
        yield client


def test_nothing_but_health_is_open_to_strangers(site: Served) -> None:
    with site.stranger() as stranger:
        assert stranger.get("/livez").status_code == 200
        ready = stranger.get("/readyz")
        assert ready.status_code == 200
        assert ready.json() == {"ready": True, "degraded": True}, "no PLC is connected"
        for path in ("/", "/page/main.js", "/metrics", "/api/v1/orders", "/api/v1/openapi.json", "/api/v1/plant"):
            assert stranger.get(path).status_code in (401, 429), path


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (Scope.READ, {"read"}),
        (Scope.ORDER, {"read", "order"}),
        (Scope.OPERATE, {"read", "operate"}),
        (Scope.ADMIN, {"read", "order", "operate", "admin"}),
    ],
)
def test_a_token_does_what_its_scope_says(site: Served, scope: Scope, allowed: set[str]) -> None:
    with site.client(scope) as client:
        tried = {
            "read": client.get("/api/v1/skus"),
            "order": client.post("/api/v1/orders", json={"number": "X", "lines": [{"sku": "NO", "quantity": 1}]}),
            "operate": client.put("/api/v1/devices/CR1/service", json={"in_service": True}),
            "admin": client.put("/api/v1/skus/TEA", json={}),
        }
    assert {name for name, answer in tried.items() if answer.status_code != 403} == allowed


def test_tokens_are_stored_hashed_and_outlive_a_restart(sqlite_url: str) -> None:
    store = TokenStore(sqlite_url)
    words = store.make("shop", [Scope.ORDER])
    store.close()
    again = TokenStore(sqlite_url)
    token = again.find(words)
    assert token is not None
    assert (token.actor, token.scopes) == ("shop", (Scope.ORDER,))
    assert words not in repr(again.listed())
    assert again.revoke("shop") == 1
    assert again.find(words) is None
    again.close()


def test_an_admin_makes_and_revokes_tokens(site: Served, admin: httpx.Client) -> None:
    made = admin.post("/api/v1/tokens", json={"actor": "shop", "scopes": ["order"]}).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    with site.stranger(headers) as shop:
        assert shop.get("/api/v1/skus").status_code == 200
        assert admin.delete("/api/v1/tokens/shop").json() == {"revoked": 1, "sessions": 0, "links": 0}
        assert shop.get("/api/v1/skus").status_code == 401


def test_revoking_an_actor_ends_sessions_and_unused_links_too(
    site: Served, admin: httpx.Client, browser: httpx.Client
) -> None:
    page, service = {"X-WCS-Page": "1"}, ("/api/v1/devices/CR1/service", {"in_service": False})
    wish = {"actor": "mei", "scopes": ["operate"]}
    admin.post("/api/v1/tokens", json=wish)
    link = admin.post("/api/v1/sign-in-links", json=wish).json()["link"]
    other = admin.post("/api/v1/sign-in-links", json={**wish, "actor": "li"}).json()["link"]
    assert browser.put(service[0], json=service[1], headers=page).status_code == 200
    assert admin.delete("/api/v1/tokens/mei").json() == {"revoked": 1, "sessions": 1, "links": 1}
    assert browser.get("/api/v1/devices").status_code == 401
    assert browser.get("/").status_code == 401
    assert browser.put(service[0], json=service[1], headers=page).status_code == 401
    with site.stranger() as late:
        assert late.get(link).status_code == 401
        assert late.get(other).status_code == 303, "others are let in as before"


def test_an_actor_who_has_a_session_and_no_token_is_revoked(admin: httpx.Client, browser: httpx.Client) -> None:
    assert admin.delete("/api/v1/tokens/mei").json() == {"revoked": 0, "sessions": 1, "links": 0}
    assert browser.get("/api/v1/devices").status_code == 401
    answer = admin.delete("/api/v1/tokens/mei")
    assert (answer.status_code, answer.json()["field"]) == (404, "actor"), "there is nothing left"


def test_what_has_grown_old_is_nothing_to_revoke() -> None:
    now_s = [0.0]
    sessions = Sessions(lambda: now_s[0])
    sessions.make_code("mei", [Scope.READ])
    sessions.sign_in(sessions.make_code("mei", [Scope.READ]))
    now_s[0] = SESSION_LIFE_S + 1.0
    assert sessions.revoke("mei") == (0, 0)


def test_a_stranger_who_tries_too_often_is_told_so_and_others_go_on(site: Served, admin: httpx.Client) -> None:
    with site.stranger({"Authorization": "Bearer guess"}) as stranger:
        codes = [stranger.get("/api/v1/skus").status_code for _ in range(FAILURES_MAX + 1)]
    assert codes == [401] * FAILURES_MAX + [429]
    assert admin.get("/api/v1/skus").status_code == 200


def test_a_sign_in_link_works_once(site: Served) -> None:
    with site.stranger() as browser:
        code = site.sessions.make_code("mei", [Scope.OPERATE])
        answer = browser.get(f"/sign-in?code={code}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert browser.get("/").status_code == 200
    with site.stranger() as other:
        assert other.get(f"/sign-in?code={code}").status_code == 401


def test_a_browser_that_has_no_way_in_is_told_how_to_get_one_in_both_languages(site: Served) -> None:
    html = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    with site.stranger(headers=html) as browser:
        for way, why in (("/sign-in?code=used", "has been used"), ("/", "have not signed in")):
            answer = browser.get(way)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert why in answer.text
            assert "wcs link --data" in answer.text
            assert "请使用新的登录链接" in answer.text
        assert browser.get("/favicon.ico").headers["content-type"].startswith("image/svg+xml")
    with site.stranger() as program:
        assert program.get("/sign-in?code=used").headers["content-type"] == "application/problem+json"


def test_wcs_link_makes_a_link_for_a_running_demo_or_site(site: Served, tmp_path: Path) -> None:
    words = site.tokens.make("keeper", (Scope.ADMIN,))
    (tmp_path / "tokens.json").write_text(json.dumps({"keeper": words}))
    (tmp_path / "ports.json").write_text(json.dumps({"api": site.port}))
    done = CliRunner().invoke(app, ["link", "--data", str(tmp_path)])
    assert done.exit_code == 0, done.output
    with site.stranger() as browser:
        assert browser.get(done.stdout.strip()).status_code == 303
    done = CliRunner().invoke(app, ["link", "mei", "--scope", "operate", "--url", site.address, "--token", "wrong"])
    assert done.exit_code == 2
    assert "refuses" in done.stderr
    assert CliRunner().invoke(app, ["link", "--data", str(tmp_path / "nowhere")]).exit_code == 2


def test_an_admin_makes_a_sign_in_link_for_a_person(site: Served, admin: httpx.Client) -> None:
    wish = {"actor": "mei", "scopes": ["operate"]}
    with site.client(Scope.OPERATE) as operator:
        assert operator.post("/api/v1/sign-in-links", json=wish).status_code == 403
    link = admin.post("/api/v1/sign-in-links", json=wish).json()["link"]
    assert link.startswith(f"{site.address}/sign-in?code=")
    with site.stranger() as browser:
        assert browser.get(link).status_code == 303
        assert browser.get("/api/v1/orders").status_code == 200
        assert browser.get("/api/v1/tokens").status_code == 403


def test_a_sign_in_link_grows_old() -> None:
    now_s = [0.0]
    sessions = Sessions(lambda: now_s[0])
    code = sessions.make_code("mei", [Scope.READ])
    now_s[0] = CODE_LIFE_S + 1.0
    assert sessions.sign_in(code) is None


def test_a_session_writes_only_with_the_pages_header(browser: httpx.Client) -> None:
    path, body = "/api/v1/devices/CR1/service", {"in_service": False}
    assert browser.put(path, json=body).status_code == 403
    answer = browser.put(path, json=body, headers={"X-WCS-Page": "1"})
    assert answer.json()["out_of_service_by"] == "mei"


def test_a_host_name_that_is_not_ours_is_refused(admin: httpx.Client) -> None:
    answer = admin.get("/livez", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["field"]) == (400, "Host")


def test_the_words_of_the_page_stand_in_both_languages(browser: httpx.Client) -> None:
    page, words = browser.get("/").text, browser.get("/page/words.js").text
    english, chinese = words.split("const CHINESE")
    for key in set(re.findall(r'data-word="(\w+)"', page)) | {"connecting"}:
        assert f"{key}: " in english, key
        assert f"{key}: " in chinese, key


def test_the_page_is_served_with_a_strict_policy(browser: httpx.Client) -> None:
    for path, kind in (("/", "text/html"), ("/page/main.js", "text/javascript"), ("/page/page.css", "text/css")):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in browser.get("/").text
    assert browser.get("/page/..%2Fapp.py").status_code == 404


def writes(admin: httpx.Client) -> list[tuple[str, str]]:
    """Every act that the API describes, with something in place of its parameters."""
    paths = admin.get("/api/v1/openapi.json").json()["paths"]
    return [
        (method.upper(), re.sub(r"\{[a-z_]*\}", "1", path))
        for path, item in paths.items() if path.startswith("/api/")
        for method in item if method != "get"
    ]  # fmt: skip


def test_no_act_is_done_with_a_token_that_lacks_its_scope(site: Served, admin: httpx.Client) -> None:
    acts = writes(admin)
    assert len(acts) > 20
    may: dict[Scope, set[tuple[str, str]]] = {}
    for scope in (Scope.READ, Scope.ORDER, Scope.OPERATE):
        with site.client(scope, actor=scope.value) as client:
            answers = {act: client.request(*act, json={}) for act in acts}
        may[scope] = {act for act, answer in answers.items() if answer.status_code != 403}
        refusals = [answer for act, answer in answers.items() if act not in may[scope]]
        assert all(answer.headers["content-type"] == "application/problem+json" for answer in refusals)
        assert all(answer.status_code < 500 for answer in answers.values())
    assert not may[Scope.READ]
    assert not may[Scope.ORDER] & may[Scope.OPERATE]
    assert {path for _, path in may[Scope.ORDER]} == {"/api/v1/orders", "/api/v1/orders/1/cancel", "/api/v1/deliveries"}
    only_admin = {path for method, path in set(acts) - may[Scope.ORDER] - may[Scope.OPERATE]}
    assert {"/api/v1/opening-stock", "/api/v1/skus/1"} <= only_admin
