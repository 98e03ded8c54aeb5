"""Checks requests and answers against a vendor's own OpenAPI file; errors come back as one line of text each."""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

ROOT = Path(__file__).resolve().parents[2]
DEVIATIONS = Path(__file__).with_name("deviations.toml")
BASE_PATHS = ("/api/v2", "/v2", "/api/v1.3")
WEBHOOK_PATH = "Webhooks - bookings"
Schema = dict[str, Any]

_WHOLE = re.compile(r"-?\d+\Z")
_FORMATS = FormatChecker(formats=())


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == 10 and bool(date.fromisoformat(value)))


def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or ("T" in value and bool(datetime.fromisoformat(value)))


_FORMATS.checks("date", raises=ValueError)(_is_date)
_FORMATS.checks("date-time", raises=ValueError)(_is_instant)


class _PlainLoader(yaml.SafeLoader):
    """Reads dates as text, so that unquoted date keys stay keys."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def spec_file(name: str) -> Path:
    """Return where a vendor's API file is expected: PMS_SYNC_VENDOR_SPECS, else beside the repository."""
    folder = os.environ.get("PMS_SYNC_VENDOR_SPECS")
    return (Path(folder) if folder else ROOT.parent / "shared" / "vendors" / "specs") / name


def _modern(node: Any) -> Any:
    """Turn OpenAPI 3.0 `nullable` into JSON Schema and every key into text."""
    if isinstance(node, list):
        return [_modern(one) for one in node]
    if not isinstance(node, dict):
        return node
    fresh = {str(key): _modern(value) for key, value in node.items()}
    nullable = fresh.pop("nullable", False) is True or fresh.get("format") == "nullable"
    if fresh.get("format") == "nullable":
        del fresh["format"]
    if nullable and isinstance(fresh.get("type"), str):
        fresh["type"] = [fresh["type"], "null"]
        if isinstance(fresh.get("enum"), list):
            fresh["enum"] = [*fresh["enum"], None]
    elif nullable and any(name in fresh for name in ("allOf", "oneOf", "$ref")):
        fresh = {"anyOf": [fresh, {"type": "null"}]}
    return fresh


class VendorSpec:
    """One vendor's API file, ready to be asked."""

    def __init__(self, file: Path) -> None:
        """Load the file; raises FileNotFoundError."""
        loaded = _modern(yaml.load(file.read_text(encoding="utf-8"), Loader=_PlainLoader))  # noqa: S506 - a safe loader
        self.components: Schema = loaded["components"]
        self.webhook: Schema | None = loaded["paths"].pop(WEBHOOK_PATH, None)
        self.paths: Schema = loaded["paths"]
        self._validators: dict[str, Draft202012Validator] = {}

    @cached_property
    def operations(self) -> dict[tuple[str, str], Schema]:
        """Return every operation by (METHOD, path)."""
        return {
            (method.upper(), path): operation
            for path, methods in self.paths.items()
            for method, operation in methods.items()
            if isinstance(operation, dict) and "responses" in operation
        }

    def operation(self, method: str, path: str) -> Schema | None:
        """Return one operation, its base path stripped; None when the vendor has none such."""
        bare = next((path[len(base) :] for base in BASE_PATHS if path.startswith(base + "/")), path)
        return self.operations.get((method.upper(), bare))

    def parameters(self, operation: Schema) -> dict[str, Schema]:
        """Return the query parameters of an operation by name."""
        found = [self.resolved(parameter) for parameter in operation.get("parameters", [])]
        return {parameter["name"]: parameter for parameter in found if parameter["in"] == "query"}

    def resolved(self, node: Schema) -> Schema:
        """Follow one `$ref` into the components."""
        if "$ref" not in node:
            return node
        target: Any = {"components": self.components}
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return dict(target)

    def errors(self, key: str, schema: Schema, body: object) -> list[str]:
        """Validate a body; each error is `place: message`."""
        if key not in self._validators:
            whole = {"allOf": [schema], "components": self.components}
            self._validators[key] = Draft202012Validator(whole, format_checker=_FORMATS)
        found = self._validators[key].iter_errors(body)
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in found]

    def known_fields(self, schema: Schema) -> set[str]:
        """Return the property names a schema speaks of, `allOf` and `$ref` followed."""
        whole = self.resolved(schema)
        names = set(whole.get("properties", {}))
        return names.union(*(self.known_fields(part) for part in whole.get("allOf", [])))


def _body_schema(content_of: Schema) -> Schema | None:
    content = content_of.get("content", {})
    if not isinstance(content, dict):
        return None
    media = content.get("application/json") or content.get("application/x-www-form-urlencoded") or {}
    schema: Schema | None = media.get("schema")
    return schema


def _text_error(schema: Schema, text: str) -> str | None:
    kind = schema.get("type")
    if kind == "integer" and not _WHOLE.match(text):
        return f"{text!r} is no integer"
    if kind == "boolean" and text not in {"true", "false"}:
        return f"{text!r} is no boolean"
    if "enum" in schema and text not in schema["enum"]:
        return f"{text!r} is not one of the enum"
    if schema.get("format") in {"date", "date-time"} and not _FORMATS.conforms(text, schema["format"]):
        return f"{text!r} is no {schema['format']}"
    return None


def _query_errors(parameters: Mapping[str, Schema], query: Sequence[Sequence[str]]) -> Iterable[str]:
    counted = Counter(name for name, _ in query)
    for name, parameter in parameters.items():
        if parameter.get("required") and not counted[name]:
            yield f"query {name}: required and missing"
    for name, text in query:
        schema = parameters[name]["schema"] if name in parameters else None
        if schema is None:
            yield f"query {name}: unknown to the vendor, who would ignore it"
            continue
        many = schema.get("type") == "array"
        if not many and counted[name] > 1:
            yield f"query {name}: sent {counted[name]} times, takes one value"
        problem = _text_error(schema["items"] if many else schema, text)
        if problem:
            yield f"query {name}: {problem}"


def _strange_fields(spec: VendorSpec, schema: Schema, body: object) -> Iterable[str]:
    if not isinstance(body, list):
        return
    known = spec.known_fields(schema.get("items", {}))
    for index, item in enumerate(body):
        strange = sorted(item.keys() - known) if isinstance(item, dict) else []
        yield from (f"{index}/{name}: unknown to the vendor" for name in strange)


def _named(error: str, body: object) -> str:
    """Say of an error whether its item names a known object, so that partial updates can be told from creates."""
    index, rest = error[: len(error) - len(error.lstrip("0123456789"))], error.lstrip("0123456789")
    item = body[int(index)] if index and isinstance(body, list) else None
    return f"{index} with id{rest}" if isinstance(item, dict) and "id" in item else error


def check_request(
    spec: VendorSpec, method: str, path: str, query: Iterable[Sequence[str]] = (), body: object = None
) -> list[str]:
    """Return what is wrong with a request: unknown or ill-typed parameters, unknown fields, a body off the schema."""
    name = f"{method.upper()} {path}"
    operation = spec.operation(method, path)
    if operation is None:
        return [f"{name}: no such operation"]
    found = list(_query_errors(spec.parameters(operation), [tuple(pair) for pair in query]))
    schema = _body_schema(operation.get("requestBody", {}))
    if schema is None and body is not None:
        found.append("body: sent, but the operation takes none")
    if schema is not None:
        found += [_named(error, body) for error in spec.errors(f"{name} request", schema, body)]
        found += _strange_fields(spec, schema, body)
    return [f"{name} {error}" for error in found]


def check_answer(spec: VendorSpec, method: str, path: str, status: int, body: object) -> list[str]:
    """Return what is wrong with an answer: an undocumented status, or a body off the schema."""
    name = f"{method.upper()} {path} {status}"
    operation = spec.operation(method, path)
    if operation is None:
        return [f"{name}: no such operation"]
    response = operation["responses"].get(str(status))
    if response is None:
        return [f"{name}: undocumented status"]
    schema = _body_schema(response)
    return [] if schema is None else [f"{name} {error}" for error in spec.errors(name, schema, body)]


def check_headers(spec: VendorSpec, method: str, path: str, status: int, headers: Mapping[str, str]) -> list[str]:
    """Return the documented headers that an answer lacks."""
    operation = spec.operation(method, path) or {}
    promised = operation.get("responses", {}).get(str(status), {}).get("headers", {})
    present = {name.lower() for name in headers}
    absent = [name for name in promised if name.lower() not in present]
    return [f"{method.upper()} {path} {status} header {name}: absent" for name in absent]


def check_webhook(spec: VendorSpec, body: object) -> list[str]:
    """Return what is wrong with a booking webhook body."""
    schema = _body_schema(spec.webhook["post"]["requestBody"]) if spec.webhook else None
    return [] if schema is None else [f"webhook {error}" for error in spec.errors("webhook", schema, body)]


def deviations(vendor: str) -> list[str]:
    """Return the patterns of known deviations of one vendor's wire from its own file."""
    listed = tomllib.loads(DEVIATIONS.read_text(encoding="utf-8"))[vendor]
    return [str(entry["match"]) for entry in listed]


def unexplained(errors: Iterable[str], vendor: str) -> list[str]:
    """Return the errors that no listed deviation explains."""
    patterns = deviations(vendor)
    return [error for error in errors if not any(fnmatchcase(error, pattern) for pattern in patterns)]
