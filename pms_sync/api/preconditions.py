"""Preconditions: which version a change is meant for, and the key under which a request may be repeated."""

from __future__ import annotations

import re
from http import HTTPStatus

from aiohttp import hdrs, web
from msgspec import UnsetType

from pms_sync.api.problems import Problem, Wrong

KEY_HEADER = "Idempotency-Key"
LONGEST_KEY = 255
NO_VERSION = -1  # what no reservation ever is at

_TAG = re.compile(r'(?P<weak>W/)?"(?P<text>[\x21\x23-\x7e]*)"')
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")
_LARGEST = 2**31 - 1
_KEY = re.compile(r'"[\x20\x21\x23-\x5b\x5d-\x7e]+"|[\x21\x23-\x7e]+')


def expected_version(request: web.Request, in_body: int | UnsetType) -> int | None:
    """Return the version that `If-Match: "N"` or the body's expectedVersion names, None without either.

    A tag that we never gave matches no version (NO_VERSION). Raises Problem 400 for what is no single tag, and where
    header and body differ.
    """
    headers = request.headers.getall(hdrs.IF_MATCH, [])
    if not headers:
        return None if isinstance(in_body, UnsetType) else _version(str(in_body))
    named = _tagged(", ".join(headers).strip())
    if not isinstance(in_body, UnsetType) and _version(str(in_body)) != named:
        wrong = Wrong(path="$.expectedVersion", value=in_body, why="differs from If-Match")
        raise Problem(HTTPStatus.BAD_REQUEST, "If-Match and expectedVersion name two versions", [wrong])
    return named


def demanded_version(request: web.Request, in_body: int | UnsetType) -> int:
    """Return the same, and raise Problem 428 where nothing names a version."""
    version = expected_version(request, in_body)
    if version is None:
        raise Problem(
            HTTPStatus.PRECONDITION_REQUIRED,
            'name the version you read: If-Match: "N" with the N of its ETag, or expectedVersion in the body',
        )
    return version


def idempotency_key(request: web.Request) -> str | None:
    """Return the key, with or without the quotes of RFC 8941; raises Problem 400 for one that cannot be kept."""
    given = request.headers.getall(KEY_HEADER, [])
    if not given:
        return None
    text = given[0].strip()
    if len(given) > 1 or not _KEY.fullmatch(text) or len(text) > LONGEST_KEY:
        why = f"one key of 1 to {LONGEST_KEY} visible ASCII characters"
        wrong = Wrong(path=KEY_HEADER, value=None, why=why)
        raise Problem(HTTPStatus.BAD_REQUEST, f"the {KEY_HEADER} cannot be kept", [wrong])
    return text[1:-1] if text.startswith('"') else text


def _tagged(text: str) -> int:
    if text == "*":
        raise Problem(HTTPStatus.PRECONDITION_REQUIRED, 'name the version you read; "*" would overwrite any')
    tag = _TAG.fullmatch(text)
    if tag is None and not _NUMBER.fullmatch(text):
        wrong = Wrong(path=str(hdrs.IF_MATCH), value=text[:60], why='is not one tag such as "3"')
        raise Problem(HTTPStatus.BAD_REQUEST, "If-Match cannot be read", [wrong])
    if tag is not None and tag["weak"]:
        return NO_VERSION  # a weak tag never matches strongly (RFC 9110 §13.1.1)
    return _version(tag["text"] if tag is not None else text)


def _version(text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > _LARGEST:
        return NO_VERSION
    return int(text)
