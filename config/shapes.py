"""Reading plain values into structs, noting every fault on the way instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from config.faults import Faults

S = TypeVar("S", bound=msgspec.Struct)

_REMEDY = "see config/examples for the shape of a hotel file"


def read(shape: type[S], values: object, where: str, faults: Faults) -> S | None:
    """Return the struct, or None with every fault noted; keys the struct does not know are faults."""
    if not isinstance(values, Mapping):
        faults.add(f"expected a table, found {_kind(values)}", where, _REMEDY)
        return None
    before = len(faults.found)
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for unknown in sorted(set(values) - set(fields)):
        faults.add(f"unknown key {unknown!r}", f"{where}{unknown}", f"use one of: {', '.join(fields)}")
    built: dict[str, Any] = {}
    for name, field in fields.items():
        if name in values:
            built[field.name] = _read_field(field.type, values[name], f"{where}{name}", faults)
        elif field.required:
            faults.add(f"{name!r} is missing", f"{where}{name}", _REMEDY)
    return shape(**built) if len(faults.found) == before else None


def _read_field(kind: Any, value: object, where: str, faults: Faults) -> Any:  # noqa: ANN401 - whatever the field is
    inner = _struct_in(kind)
    if inner is None:
        return _convert(kind, value, where, faults)
    if get_origin(kind) is not tuple:
        return read(inner, value, f"{where}.", faults)
    if not isinstance(value, list):
        faults.add(f"expected a list, found {_kind(value)}", where, _REMEDY)
        return ()
    return tuple(read(inner, each, f"{where}[{number}].", faults) for number, each in enumerate(value))


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:  # noqa: ANN401
    """Return the struct of `S` or `tuple[S, ...]`."""
    inner = get_args(kind)[0] if get_origin(kind) is tuple else kind
    return inner if isinstance(inner, type) and issubclass(inner, msgspec.Struct) else None


def _convert(kind: Any, value: object, where: str, faults: Faults) -> Any:  # noqa: ANN401
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        why, _, path = str(error).partition(" - at `$")
        faults.add(why[:1].lower() + why[1:], where + path.removesuffix("`"), _REMEDY)
    return None


def _kind(value: object) -> str:
    return f"`{type(value).__name__}`"
