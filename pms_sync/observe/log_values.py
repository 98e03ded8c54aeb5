"""What may stand in a log line: ids, numbers and words; people, secrets and cards are taken out here."""

from __future__ import annotations

import math
import re
import traceback
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any
from uuid import UUID

from pms_sync.observe.redact import scrub_text

REDACTED = "[redacted]"
_DEEPEST, _MOST, _LONGEST = 6, 100, 2000
_LARGEST_INT = 2**63
_FRAMES = 12

_PRIVATE = frozenset(
    (
        "name", "firstname", "lastname", "fullname", "middlename", "surname", "givenname", "familyname",
        "guestname", "username", "displayname", "nameonthecard", "holder", "cardholder", "guest", "guests",
        "booker", "person", "title", "email", "mail", "emailaddress", "phone", "mobile", "fax", "tel",
        "telephone", "phonenumber", "address", "address1", "address2", "street", "postcode", "postalcode",
        "zip", "birthdate", "dateofbirth", "dob", "passport", "documentnumber", "iban", "notes", "note",
        "comments", "comment", "message", "specialrequests", "body", "raw", "payload", "cookie", "setcookie",
        "authorization", "auth", "apikey", "masterkey", "credentials", "invitecode", "code2fa", "dsn", "pan",
        "cid", "csrf", "ip", "remote", "clientip",
    )
)  # fmt: skip
_PRIVATE_ENDINGS = (
    "token", "secret", "password", "passwd", "passphrase", "authorization", "email", "phone", "apikey", "privatekey",
    "firstname", "lastname", "guestname", "credential", "credentials", "cookie",
)  # fmt: skip
_PRIVATE_PARTS = ("card", "cvv", "cvc", "password", "securitycode", "expiry", "passport")

_EMAIL = re.compile(r"[^\s@\"'<>(),;:=]{1,128}@[^\s@\"'<>(),;:]{1,255}")
_PHONE = re.compile(r"(?<![\w.])(?:\+|00)\d(?:[ ()./-]{0,2}\d){7,14}")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
_DOOR = re.compile(r"(/webhooks/[^/\s\"']{1,64}/)[^/\s\"'?]+")
_URL_LOGIN = re.compile(r"(?<=://)[^/\s@\"']{1,256}@")
_QUERY_SECRET = re.compile(r"(?i)([?&][\w.-]{0,40}(?:token|secret|key|password|email|phone|name)=)[^&\s\"']+")


def plain_values(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event as strings, numbers, lists and dictionaries that JSON can hold, private values taken out."""
    return {_key(key): _named(key, value, 0) for key, value in event.items()}


def plain_value(value: object, depth: int = 0) -> Any:  # noqa: ANN401  JSON has no narrower type
    """Return one value made safe; an object of ours appears as its type only, because its repr may tell names."""
    if isinstance(value, Enum):
        value = value.value
    for kinds, made_safe in _SAFE:
        if isinstance(value, kinds):
            return made_safe(value)
    return _container(value, depth)


def safe_text(text: str) -> str:
    """Return text without e-mail addresses, telephone numbers, tokens, passwords in URLs and card numbers."""
    text = text[:_LONGEST] + "…" if len(text) > _LONGEST else text
    if "@" in text:
        text = _URL_LOGIN.sub("***@", text) if "://" in text else text
        text = _EMAIL.sub("[email]", text)
    text = _PHONE.sub("[phone]", text)
    if "/webhooks/" in text:
        text = _DOOR.sub(r"\1***", text)
    if "=" in text:
        text = _QUERY_SECRET.sub(r"\1***", text)
    return scrub_text(_BEARER.sub(r"\1 ***", text))


def safe_error(error: BaseException) -> dict[str, Any]:
    """Return type, first line of the message and where it came from: no source lines, no variables.

    Only the first line, because databases put the offending values on the second (DETAIL).
    """
    words = " ".join(str(part) for part in error.args if type(part) in {str, int})
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    told: dict[str, Any] = {
        "type": type(error).__qualname__,
        "message": safe_text(words.split("\n", 1)[0][:500]),
        "frames": [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if error.__cause__ is not None:
        told["cause"] = type(error.__cause__).__qualname__
    return told


def _named(key: object, value: object, depth: int) -> Any:  # noqa: ANN401  JSON has no narrower type
    if value is None or isinstance(value, bool):
        return value
    word = "".join(char for char in str(key)[:200].lower() if char.isalnum()) if isinstance(key, str) else ""
    private = word in _PRIVATE or word.endswith(_PRIVATE_ENDINGS) or any(part in word for part in _PRIVATE_PARTS)
    return REDACTED if private else plain_value(value, depth)


def _container(value: object, depth: int) -> Any:  # noqa: ANN401  JSON has no narrower type
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, dict):
        pairs = list(value.items())[:_MOST]
        return {_key(key): _named(key, item, depth + 1) for key, item in pairs}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(item, depth + 1) for item in list(value)[:_MOST]]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    return f"<{type(value).__qualname__}>"


def _key(key: object) -> str:
    return safe_text(key[:200]) if isinstance(key, str) else f"<{type(key).__qualname__}>"


def _number(value: float | Decimal) -> Any:  # noqa: ANN401  a number, or text where JSON has none
    if isinstance(value, int):
        if abs(value) >= _LARGEST_INT:
            return "<huge number>"
        return value if scrub_text(str(value)) == str(value) else scrub_text(str(value))
    if isinstance(value, Decimal):
        return safe_text(str(value))
    return value if math.isfinite(value) else str(value)


# In order: bool is an int, and a text that is also something else is a text first.
_SAFE: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((bool, NoneType), lambda value: value),
    (str, safe_text),
    ((int, float, Decimal), _number),
    ((UUID, date, time, timedelta), str),
    (BaseException, safe_error),
)
