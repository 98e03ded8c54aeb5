"""Assets: style sheet, script and mark, read once from the package and kept by browsers for a year.

Their addresses carry a digest of their bytes, so a new version is a new address.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

import msgspec
from aiohttp import web

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"
_DIGITS = 12


class Asset(msgspec.Struct, frozen=True):
    """One file with the address pages name it by."""

    url: str
    body: bytes
    content_type: str


class Assets:
    """The files of `static/`."""

    def __init__(self) -> None:
        """Read them all; they are few and small."""
        self._by_name: dict[str, Asset] = {}
        for file in (files("pms_sync.web") / "static").iterdir():
            kind = _TYPES.get(file.name.rpartition(".")[2])
            if kind is not None:
                body = file.read_bytes()
                digest = hashlib.sha256(body).hexdigest()[:_DIGITS]
                self._by_name[file.name] = Asset(f"/static/{file.name}?v={digest}", body, kind)

    def url(self, name: str) -> str:
        """Return the address of a file; a name that is not there is a defect of a template (KeyError)."""
        return self._by_name[name].url

    async def serve(self, request: web.Request) -> web.Response:
        """Answer with one file; they hold nothing of anybody, so any peer may have them."""
        asset = self._by_name.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        charset = "utf-8" if asset.content_type.startswith("text/") else None
        return web.Response(
            body=asset.body, content_type=asset.content_type, charset=charset, headers={"Cache-Control": _KEPT}
        )
