"""The page that documents the API, made of its OpenAPI description."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from api.interface import schema

Parts = list[str]  # of a text, every second one between backticks


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    description: list[Parts]
    parameters: list[dict[str, Any]]
    bodies: list[tuple[str, str]]  # content type and shape, as are the answers with their status
    answers: list[tuple[int, str, str]]
    problems: str  # the statuses of a sentence that says what is wrong


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    description = schema()
    rooms: dict[str, list[Operation]] = {}
    for path, methods in description["paths"].items():
        for method, details in methods.items():
            rooms.setdefault(details["tags"][0], []).append(_operation(path, method, details))
    context = {
        "version": description["info"]["version"],
        "about": _paragraphs(description["info"]["description"]),
        "rooms": rooms,
        "base": request.build_absolute_uri("v1/"),
    }
    return render(request, "api/reference.html", context)


def _operation(path: str, method: str, details: Mapping[str, Any]) -> Operation:
    responses = details["responses"]
    good = {status: response for status, response in responses.items() if status < 400}
    return Operation(
        id=details["operationId"],
        method=method.upper(),
        path=path,
        summary=details["summary"],
        description=_paragraphs(details["description"]),
        parameters=[_parameter(each) for each in details["parameters"]],
        bodies=_contents(details.get("requestBody", {})),
        answers=[
            (status, kind, shape)
            for status, each in good.items()
            for kind, shape in _contents(each) or [("nothing", "")]
        ],
        problems=", ".join(str(status) for status in sorted(responses.keys() - good.keys())),
    )


def _paragraphs(text: str) -> list[Parts]:
    return [_parts(paragraph) for paragraph in text.strip().split("\n\n")]


def _parts(text: str) -> Parts:
    return re.split(r"`(.+?)`", text)


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    kind = parameter["schema"]
    limits = [f"{kind[key]}" for key in ("minimum", "maximum") if key in kind]
    return {
        "name": parameter["name"],
        "kind": _type(kind) + (f", {' to '.join(limits)}" if limits else ""),
        "default": kind.get("default"),
        "description": _parts(parameter.get("description", "")),
    }


def _contents(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (kind, _written(content.get("example") or _shape(content["schema"])))
        for kind, content in part.get("content", {}).items()
    ]


def _written(shape: Any) -> str:
    return shape if isinstance(shape, str) else json.dumps(shape, indent=2, ensure_ascii=False)


def _shape(kind: Mapping[str, Any]) -> Any:
    """What such a value looks like: names with their types, and what they mean."""
    if "$ref" in kind:
        return _shape(schema()["components"]["schemas"][kind["$ref"].rpartition("/")[2]])
    if "properties" in kind:
        return {name: _shape(inner) for name, inner in kind["properties"].items()}
    if kind.get("type") == "array":
        return [_shape(kind["items"])]
    if isinstance(inner := kind.get("additionalProperties"), dict):
        return {"…": _shape(inner)}
    if nested := [option for option in kind.get("anyOf", ()) if "$ref" in option]:
        return _shape(nested[0])
    return f"{_type(kind)}: {kind['description']}" if "description" in kind else _type(kind)


def _type(kind: Mapping[str, Any]) -> str:
    """In words."""
    if "enum" in kind:
        return " or ".join(map(str, kind["enum"]))
    if "anyOf" in kind:
        return " or ".join(dict.fromkeys(_type(option) for option in kind["anyOf"]))
    return str(kind.get("format") or kind.get("type", "anything"))
