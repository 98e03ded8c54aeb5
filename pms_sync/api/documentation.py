"""Documentation: the table of operations as an OpenAPI document and as a plain page, both made once.

Neither needs a token: they tell what the program is, nothing of any hotel. The page loads nothing, runs nothing, and
its policy names the digest of its one style sheet.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pms_sync import __version__
from pms_sync.api import openapi
from pms_sync.api.operations import Operation, Returned
from pms_sync.api.problems import Handler

OPENAPI, DOCS = "/api/openapi.json", "/api/docs"
TITLE = "pms-sync"
_TOPIC = "Documentation"
_NOTHING = "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"


def documented(operations: Sequence[Operation]) -> list[Operation]:
    """Return the table with the two rows that document it."""
    told = _Documentation()
    whole = [*operations, *_rows(told)]
    told.write(openapi.document(whole, title=TITLE, version=__version__))
    return whole


class _Documentation:
    """The two answers, as they are sent."""

    def __init__(self) -> None:
        self._json, self._page, self._policy = b"", "", ""

    def write(self, document: dict[str, Any]) -> None:
        """Write both from the document."""
        environment = Environment(
            loader=PackageLoader("pms_sync.api"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        environment.filters["pretty"] = pretty
        style = environment.get_template("docs.css").render()
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._policy = f"{_NOTHING}; style-src 'sha256-{digest}'"
        self._json = msgspec.json.encode(document)
        style = Markup(style)  # noqa: S704 - a file of ours, without a value of anybody's
        self._page = environment.get_template("docs.html").render(document=document, style=style)

    async def openapi(self, _: web.Request) -> web.Response:
        """Answer with the document."""
        return web.Response(body=self._json, content_type="application/json")

    async def page(self, _: web.Request) -> web.Response:
        """Answer with the page."""
        headers = {"Content-Security-Policy": self._policy}
        return web.Response(text=self._page, content_type="text/html", charset="utf-8", headers=headers)


def pretty(value: object) -> str:
    """Write a value as JSON for people."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _rows(told: _Documentation) -> list[Operation]:
    document = Returned(description="the document", shape=dict[str, Any])
    page = Returned(description="the page", shape=str, content_type="text/html")
    return [
        _row(OPENAPI, "readOpenApi", "Read this API's OpenAPI document", told.openapi, document),
        _row(DOCS, "readDocs", "Read this API's documentation as a page", told.page, page),
    ]


def _row(path: str, name: str, summary: str, handler: Handler, answer: Returned) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        summary=summary,
        topic=_TOPIC,
        handler=handler,
        permission=None,
        answers={HTTPStatus.OK: answer},
    )
