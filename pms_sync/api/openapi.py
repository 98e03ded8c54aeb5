"""OpenAPI: the table of operations as a document of version 3.1; its schemas are those of the structs we use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from pms_sync.api.operations import Header, Operation, Returned
from pms_sync.api.reading import fields_of

Json = dict[str, Any]
Known = dict[Any, Json]

_TEMPLATE = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_SCHEME = "token"


def document(operations: Sequence[Operation], *, title: str, version: str) -> Json:
    """Return the document; equal tables give equal documents."""
    shapes = list(dict.fromkeys(_shapes(operations)))
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_TEMPLATE)
    known = dict(zip(shapes, schemas, strict=True))
    paths: Json = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, known)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                _SCHEME: {"type": "http", "scheme": "bearer", "description": "`access` of POST /api/auth/token/"}
            },
        },
        "tags": [{"name": topic} for topic in dict.fromkeys(one.topic for one in operations)],
    }


def _shapes(operations: Sequence[Operation]) -> Iterator[Any]:
    for one in operations:
        yield from () if one.body is None else (one.body,)
        yield from (answer.shape for answer in one.answers.values() if answer.content_type is not None)


def _operation(one: Operation, known: Known) -> Json:
    told: Json = {"operationId": one.name, "summary": one.summary, "tags": [one.topic]}
    description = one.description
    if one.permission is not None:
        told["security"] = [{_SCHEME: []}]
        needs = f"Needs the permission {one.permission.action} on {one.permission.resource}."
        description = f"{description}\n\n{needs}" if description else needs
    parameters = [*_path_parameters(one.path), *_query_parameters(one), *map(_header_parameter, one.headers)]
    told |= {"description": description} if description else {}
    told |= {"parameters": parameters} if parameters else {}
    if one.body is not None:
        content = {kind: {"schema": known[one.body]} for kind in one.body_types}
        told["requestBody"] = {"required": one.body_required, "content": content}
    told["responses"] = {str(int(status)): _answer(answer, known) for status, answer in _in_order(one)}
    return told


def _in_order(one: Operation) -> list[tuple[HTTPStatus, Returned]]:
    return sorted(one.answers.items())


def _path_parameters(path: str) -> Iterator[Json]:
    for name in _PARAMETER.findall(path):
        schema = {"type": "string", "format": "uuid"}
        yield {"name": name, "in": "path", "required": True, "description": "our id, a UUID", "schema": schema}


def _query_parameters(one: Operation) -> Iterator[Json]:
    for field in () if one.query is None else fields_of(one.query):
        schema = msgspec.json.schema(field.type)
        if field.default not in (msgspec.UNSET, msgspec.NODEFAULT, ()):
            schema["default"] = field.default
        description = schema.pop("description", "")
        yield {
            "name": field.encode_name,
            "in": "query",
            "required": field.required,
            "description": description,
            "schema": _standing_alone(schema),
        }


def _header_parameter(header: Header) -> Json:
    return {"name": header.name, "in": "header", "required": header.required, **_header(header)}


def _header(header: Header) -> Json:
    return {"description": header.description, "schema": msgspec.json.schema(header.kind)}


def _answer(answer: Returned, known: Known) -> Json:
    told: Json = {"description": answer.description}
    if answer.headers:
        told["headers"] = {header.name: _header(header) for header in answer.headers}
    if answer.content_type is not None:
        told["content"] = {answer.content_type: {"schema": known[answer.shape]}}
    return told


def _standing_alone(schema: Json) -> Json:
    """Write a schema of words or plain values without the definitions that it refers to."""
    definitions = schema.pop("$defs", {})

    def resolved(part: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(part, list):
            return [resolved(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolved(definitions[part["$ref"].rpartition("/")[2]])
        return {name: resolved(one) for name, one in part.items()}

    found: Json = resolved(schema)
    return found
