"""The page in a real browser: signed in by a link, live, in both languages."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.api.browser import browser
from tests.api.serving import Served

AISLE = "document.querySelector('.alley.blocked title')?.textContent ?? ''"


def test_the_page_shows_live_what_is_blocked_by_whom_and_why_in_both_languages(
    site: Served, admin: httpx.Client, tmp_path: Path
) -> None:
    link = admin.post("/api/v1/sign-in-links", json={"actor": "visitor", "scopes": ["read"]}).json()["link"]
    with browser(tmp_path / "browser") as tab:
        tab.open(link)
        tab.until("document.querySelectorAll('.alley').length", 2)
        tab.until(AISLE, "")
        admin.put("/api/v1/places/A1/block", json={"reason": "bent beam", "flow": "in"})
        tab.until(AISLE, "A1 is blocked for put-away by tester: bent beam")
        tab.ask("document.getElementById('language').click()")
        tab.until(AISLE, "A1 被 tester 封锁入库：bent beam")
        tab.until("document.documentElement.lang", "zh")
        admin.put("/api/v1/places/A1/block", json={"reason": "盘点", "flow": "out"})
        tab.until(AISLE, "A1 被 tester 封锁出库：盘点")
        admin.delete("/api/v1/places/A1/block")
        tab.until("document.querySelectorAll('.blocked').length", 0)
        assert not tab.errors


def test_who_is_not_signed_in_is_told_how_and_sees_no_plant(site: Served, tmp_path: Path) -> None:
    with browser(tmp_path / "browser") as tab:
        tab.open(site.address)
        tab.until("document.body.innerText.includes('Sign in with a new link')")
        assert "请使用新的登录链接" in tab.ask("document.body.innerText")
        assert tab.ask("document.querySelector('svg')") is None
