"""The page and its way in. Rule: everything it needs is served from here, to those who have signed in."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.context import SESSION_COOKIE, context_of
from api.problems import Problem
from api.sessions import SESSION_LIFE_S

# Plain, for its reader has not signed in and gets no style sheet.
NO_WAY_IN = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>WCS: sign in 登录</title></head><body>
<h1>Sign in with a new link</h1>
<p>{english}</p>
<ul><li>A demo: <code>wcs link --data FOLDER</code> on its machine prints one. So does starting it again.</li>
<li>A site: ask an admin (<code>wcs link NAME --scope operate --url ADDRESS</code>).</li></ul>
<div lang="zh-CN"><h1>请使用新的登录链接</h1>
<p>{chinese}</p>
<ul><li>演示：在其所在机器上运行 <code>wcs link --data 目录</code>，或重新启动演示。</li>
<li>现场：请管理员生成（<code>wcs link 姓名 --scope operate --url 地址</code>）。</li></ul></div>
</body></html>
"""
USED = (
    "This link has been used or is too old: a link signs in once, within ten minutes.",
    "此链接已被使用或已过期：每个链接只能登录一次，十分钟内有效。",
)
NOT_SIGNED_IN = (
    "You have not signed in here, your session has ended, or the site has started anew.",
    "您尚未登录、会话已结束，或系统已重新启动。",
)
router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).parent / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Read once: a file that is not in the list is not there, whatever the path says.
FILES = {
    path.name: (path.read_bytes(), MEDIA_TYPES[path.suffix])
    for path in sorted(FOLDER.iterdir())
    if path.suffix in MEDIA_TYPES
}


@router.get("/sign-in")
async def sign_in(request: Request, code: str = "") -> Response:
    """Use a one-time link up and go to the page."""
    context = context_of(request)
    words = context.sessions.sign_in(code)
    if words is None:
        if context.tries.too_many(request.client.host if request.client else ""):
            raise Problem(429, "too many failed tries", headers={"Retry-After": "60"})
        reason = "this link has been used or is too old: an admin makes a new one (POST /api/v1/sign-in-links)"
        return _no_way_in(request, Problem(401, reason, field="code"), USED)
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(
        SESSION_COOKIE,
        words,
        max_age=SESSION_LIFE_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _no_way_in(request: Request, problem: Problem, words: tuple[str, str]) -> Response:
    """A page for people, the problem document for programs."""
    if "text/html" not in request.headers.get("accept", ""):
        raise problem
    text = NO_WAY_IN.format(english=words[0], chinese=words[1])
    return Response(text, status_code=problem.status, media_type=MEDIA_TYPES[".html"])


@router.get("/favicon.ico")
async def favicon() -> Response:
    """Browsers ask for it unasked, also for pages that are no page of ours."""
    content, media_type = FILES["icon.svg"]
    return Response(content, media_type=media_type)


@router.get("/")
async def index(request: Request) -> Response:
    return await page_file(request, "index.html")


@router.get("/page/{name}")
async def page_file(request: Request, name: str) -> Response:
    if context_of(request).sessions.find(request.cookies.get(SESSION_COOKIE, "")) is None:
        problem = Problem(401, "sign in with the link that the site printed when it started")
        return _no_way_in(request, problem, NOT_SIGNED_IN)
    if name not in FILES:
        raise Problem(404, f"no file {name!r}")
    content, media_type = FILES[name]
    return Response(content, media_type=media_type)
