"""Reading: JSON and query strings become our structs, or one problem that names every fault at once.

A struct may look at itself by a method `wrongs`, which is asked as soon as its own members can be read, and may name in
`SHOWN_ONLY` the members that an answer shows and nobody sends. Text is refused where it could not be stored, logged
or sent on: lone surrogates and control characters other than tab and line breaks.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import UnsetType

from pms_sync.api.problems import Problem, Wrong

T = TypeVar("T")

_MOST_FAULTS = 100
_LONGEST_SHOWN = 60
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_PLACE = re.compile(r" - at `[^`]*`$")
_MISSING = "say it; it is required"
_GENERIC = "the request has not the shape it should"


class _Object(dict[str, Any]):
    """A JSON object that remembers the members it was given twice."""

    twice: tuple[str, ...] = ()


class _Container(NamedTuple):
    """What a type holds: a struct, or items of one type; and whether null stands for none."""

    struct: type[msgspec.Struct] | None
    item: Any
    nullable: bool


def read_json_text(body: bytes, shape: type[T]) -> T:
    """Read a JSON body as one of our structs; raises Problem 400 with all faults."""
    try:
        document = json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_float=Decimal, parse_constant=_no_number
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, _GENERIC, [Wrong(path="$", why=_why_not_json(error))]) from error
    return _read(document, shape, "$", strict=True)


def read_query(given: Mapping[str, str], shape: type[T]) -> T:
    """Read a query string (a multi-dict) as one of our structs; raises Problem 400 with all faults."""
    lists = {field.encode_name for field in fields_of(shape) if _container(field.type) is not None}
    document, twice = _Object(), []
    for name in dict.fromkeys(given):
        values: Sequence[str] = given.getall(name)  # type: ignore[attr-defined]
        document[name] = list(values) if name in lists else values[-1]
        twice += [name] if name not in lists and len(values) > 1 else []
    document.twice = tuple(twice)
    return _read(document, shape, "?", strict=False)


def fields_of(shape: type[Any]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Return the fields of one of our structs."""
    return msgspec.structs.fields(shape)


def refuse(wrongs: Collection[Wrong]) -> None:
    """Raise Problem 400 unless there is nothing wrong."""
    if wrongs:
        raise Problem(HTTPStatus.BAD_REQUEST, _GENERIC, list(wrongs)[:_MOST_FAULTS])


def shown(value: object) -> Any:  # noqa: ANN401 - any JSON value that is safe and short
    """Return a value as a fault repeats it to whoever sent it: short, and null for objects and lists."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, Mapping | list | tuple):
        return None
    if isinstance(value, int) and value.bit_length() > 8 * _LONGEST_SHOWN:
        return "a very large number"
    return str(value)[:_LONGEST_SHOWN].encode("utf-8", "replace").decode()


def _read(document: Any, shape: type[T], path: str, *, strict: bool) -> T:  # noqa: ANN401 - any JSON value
    found: list[Wrong] = []
    for wrong in _faults(document, shape, path, strict=strict):
        found.append(wrong)
        if len(found) == _MOST_FAULTS:
            break
    refuse(found)
    return msgspec.convert(document, shape, strict=strict)


def _faults(value: Any, kind: Any, path: str, *, strict: bool) -> Iterator[Wrong]:  # noqa: ANN401
    container = _container(kind)
    if container is None or (value is None and container.nullable):
        yield from _leaf(value, kind, path, strict=strict)
    elif container.struct is not None and isinstance(value, Mapping):
        yield from _members(value, container.struct, path, strict=strict)
    elif container.struct is None and isinstance(value, list):
        before = len(found := [*_items(value, container.item, path, strict=strict)])
        yield from found
        yield from () if before else _leaf(value, kind, path, strict=strict)
    else:
        expected = "an object" if container.struct is not None else "a list"
        yield Wrong(path=path, value=shown(value), why=f"should be {expected}")


def _items(value: list[Any], kind: Any, path: str, *, strict: bool) -> Iterator[Wrong]:  # noqa: ANN401
    for number, item in enumerate(value):
        yield from _faults(item, kind, f"{path}[{number}]", strict=strict)


def _members(value: Mapping[str, Any], struct: type[msgspec.Struct], path: str, *, strict: bool) -> Iterator[Wrong]:
    known = {field.encode_name: field for field in fields_of(struct)}
    sound = True
    for wrong in (*_strangers(value, known, struct, path), *_known(value, known, path, strict=strict)):
        sound = False
        yield wrong
    if sound and hasattr(struct, "wrongs"):
        one = msgspec.convert(value, struct, strict=strict)
        for wrong in one.wrongs():
            yield msgspec.structs.replace(wrong, path=_at(path, wrong.path))


def _strangers(
    value: Mapping[str, Any], known: Collection[str], struct: type[msgspec.Struct], path: str
) -> Iterator[Wrong]:
    for name in getattr(value, "twice", ()):
        yield Wrong(path=_at(path, shown(name)), why="stands twice")
    for name in value:
        if name not in known:
            why = "is shown, and cannot be set" if name in getattr(struct, "SHOWN_ONLY", ()) else "unknown field"
            yield Wrong(path=_at(path, shown(name)), value=shown(value[name]), why=why)


def _known(
    value: Mapping[str, Any], known: Mapping[str, msgspec.structs.FieldInfo], path: str, *, strict: bool
) -> Iterator[Wrong]:
    for name, field in known.items():
        if name in value:
            yield from _faults(value[name], field.type, _at(path, name), strict=strict)
        elif field.required:
            yield Wrong(path=_at(path, name), why=_MISSING)


def _leaf(value: Any, kind: Any, path: str, *, strict: bool) -> Iterator[Wrong]:  # noqa: ANN401
    if isinstance(value, str) and _UNFIT.search(value):
        yield Wrong(path=path, value=shown(_UNFIT.sub("?", value)), why="holds a character that no text may hold")
        return
    try:
        msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        yield Wrong(path=path, value=shown(value), why=_PLACE.sub("", str(error)))


def _at(path: str, name: str) -> str:
    return f"{path}{name}" if path == "?" or name.startswith("[") else f"{path}.{name}"


@cache
def _container(kind: Any) -> _Container | None:  # noqa: ANN401 - any type
    """Look through unions and annotations for the struct or list that a type stands for."""
    if get_origin(kind) is Annotated:
        return _container(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        inner = [_container(one) for one in get_args(kind) if one not in {NoneType, UnsetType}]
        only = inner[0] if len(inner) == 1 else None
        return only and only._replace(nullable=NoneType in get_args(kind))
    if get_origin(kind) in {tuple, list}:
        return _Container(None, get_args(kind)[0], nullable=False)
    return _Container(kind, None, nullable=False) if isinstance(kind, type(msgspec.Struct)) else None


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object(pairs)
    if len(found) < len(pairs):
        found.twice = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return found


def _no_number(text: str) -> None:
    message = f"{text} is no JSON"
    raise ValueError(message)


def _why_not_json(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
    return "is nested too deeply" if isinstance(error, RecursionError) else "is not JSON"
