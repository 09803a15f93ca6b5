"""The page and its way in. Rule: everything it needs is served from here, to those who have signed in."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.context import SESSION_COOKIE, context_of
from api.problems import Problem
from api.sessions import SESSION_LIFE_S

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
        raise Problem(
            401,
            "this link has been used or is too old: an admin makes a new one (POST /api/v1/sign-in-links)",
            field="code",
        )
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


@router.get("/")
async def index(request: Request) -> Response:
    return await page_file(request, "index.html")


@router.get("/page/{name}")
async def page_file(request: Request, name: str) -> Response:
    if context_of(request).sessions.find(request.cookies.get(SESSION_COOKIE, "")) is None:
        raise Problem(401, "sign in with the link that the site printed when it started")
    if name not in FILES:
        raise Problem(404, f"no file {name!r}")
    content, media_type = FILES[name]
    return Response(content, media_type=media_type)
