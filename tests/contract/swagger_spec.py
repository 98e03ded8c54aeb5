"""Checks requests and answers against Swagger 2.0 files; errors come back as one line of text each."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from jsonschema import Draft4Validator

from tests.contract.vendor_spec import spec_file

Schema = dict[str, Any]
_LONGEST = 160
_WHOLE = re.compile(r"-?\d+\Z")


class Swagger:
    """One vendor's Swagger files, ready to be asked; a path is found with its base path."""

    def __init__(self, *names: str) -> None:
        """Read the files of these names."""
        self.files: list[Schema] = [json.loads(spec_file(name).read_text(encoding="utf-8")) for name in names]
        for file in self.files:
            for operation in (one for methods in file["paths"].values() for one in methods.values()):
                operation["parameters"] = [_resolved(file, one) for one in operation.get("parameters", [])]

    def operation(self, method: str, path: str) -> tuple[Schema, Schema] | None:
        """Return an operation with its file; None when the vendor has none such."""
        found = [
            (methods[method.lower()], file)
            for file in self.files
            for template, methods in file["paths"].items()
            if method.lower() in methods and _pattern(file["basePath"] + template).fullmatch(path)
        ]
        # A fixed path is meant before one that a parameter would fit as well.
        return min(found, key=lambda pair: len(_in(pair[0], "path")), default=None)

    def check_request(
        self,
        method: str,
        path: str,
        query: Iterable[Sequence[str]] = (),
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Return what is wrong with a request: unknown or ill-typed parameters, and required ones that are missing."""
        name = f"{method.upper()} {path}"
        found = self.operation(method, path)
        if found is None:
            return [f"{name}: no such operation"]
        operation, pairs = found[0], [tuple(pair) for pair in query]
        errors = [
            *_pairs("query", _in(operation, "query"), pairs),
            *_pairs("form", _in(operation, "formData"), list((form or {}).items())),
            *_headers(_in(operation, "header"), headers or {}),
        ]
        return [f"{name} {error}" for error in errors]

    def check_answer(self, method: str, path: str, status: int, body: object) -> list[str]:
        """Return what is wrong with an answer: an undocumented status, or a body off the schema."""
        name = f"{method.upper()} {path} {status}"
        found = self.operation(method, path)
        if found is None:
            return [f"{name}: no such operation"]
        operation, file = found
        if str(status) not in operation["responses"]:
            return [f"{name}: undocumented status"]
        schema = _response(file, operation["responses"][str(status)]).get("schema")
        if schema is None:
            return [f"{name}: a body, where none is documented"] if body is not None else []
        whole = {"allOf": [schema], "definitions": file["definitions"]}
        return [
            f"{name} {'/'.join(map(str, error.absolute_path))}: {_shortened(error.message)}"
            for error in Draft4Validator(whole).iter_errors(body)
        ]


def _shortened(message: str) -> str:
    """Leave out the middle of a long message: its end says what is wrong."""
    return message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]}…{message[-_LONGEST // 2 :]}"


def _resolved(file: Schema, parameter: Schema) -> Schema:
    name: str = parameter.get("$ref", "").rpartition("/")[2]
    found: Schema = file["parameters"][name] if name else parameter
    return found


def _response(file: Schema, response: Schema) -> Schema:
    name: str = response.get("$ref", "").rpartition("/")[2]
    found: Schema = file["responses"][name] if name else response
    return found


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(template)))


def _in(operation: Schema, place: str) -> dict[str, Schema]:
    return {one["name"]: one for one in operation.get("parameters", []) if one["in"] == place}


def _pairs(place: str, known: Mapping[str, Schema], pairs: Sequence[tuple[str, ...]]) -> Iterator[str]:
    counted = Counter(name for name, _ in pairs)
    yield from (
        f"{place} {name}: required and missing"
        for name, one in known.items()
        if one.get("required") and not counted[name]
    )
    for name, text in pairs:
        if name not in known:
            yield f"{place} {name}: unknown to the vendor, who would ignore it"
            continue
        schema = known[name]
        many = schema.get("type") == "array"
        if counted[name] > 1 and not (many and schema.get("collectionFormat") == "multi"):
            yield f"{place} {name}: sent {counted[name]} times, takes one value"
        problem = _problem(schema["items"] if many else schema, text)
        if problem:
            yield f"{place} {name}: {problem}"


def _problem(schema: Schema, text: str) -> str | None:
    if schema.get("type") == "integer" and not _WHOLE.match(text):
        return f"{text!r} is no integer"
    if "maximum" in schema and float(text) > schema["maximum"]:
        return f"{text} is more than {schema['maximum']}"
    if "enum" in schema and text not in schema["enum"]:
        return f"{text!r} is not one of the enum"
    if schema.get("format") == "date" and not _is_date(text):
        return f"{text!r} is no date"
    return None


def _headers(known: Mapping[str, Schema], headers: Mapping[str, str]) -> Iterator[str]:
    given = {name.lower() for name in headers}
    for name, one in known.items():
        if one.get("required") and name.lower() not in given:
            yield f"header {name}: required and missing"


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False
