"""The description of the API for people: the same schema as a page of the site, without a script."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator


@require_safe
def documentation(request: HttpRequest) -> HttpResponse:
    """Render the OpenAPI description."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    endpoints = [_endpoint(path, methods["get"]) for path, methods in schema["paths"].items()]
    return render(request, "nexusmeme/api_documentation.html", {"info": schema["info"], "endpoints": endpoints})


def _endpoint(path: str, operation: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "name": operation["operationId"],
        "path": path,
        "summary": operation["summary"],
        "parameters": [_parameter(parameter) for parameter in operation.get("parameters", ())],
        "answers": [_answer(status, response) for status, response in sorted(operation["responses"].items())],
    }


def _parameter(parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = parameter["schema"]
    return {**parameter, "type": _type(schema), "example": next(iter(schema.get("examples", ())), "")}


def _answer(status: str, response: Mapping[str, Any]) -> Mapping[str, Any]:
    content = response.get("content", {}).get("application/json", {}).get("schema")
    return {
        "status": status,
        "description": response["description"],
        "headers": sorted(response.get("headers", {})),
        "fields": list(_fields(content)) if content else [],
    }


def _fields(schema: Mapping[str, Any], prefix: str = "") -> Any:
    """Yield each field of a body with its path, such as `fetcher.stats.lastError` or `{pair}.price`."""
    for name, shape in schema.get("properties", {}).items():
        yield from _field(f"{prefix}{name}", shape)
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping):
        yield from _field(f"{prefix}{{{schema['propertyNames']['title']}}}", values)


def _field(path: str, shape: Mapping[str, Any]) -> Any:
    items = shape.get("items", {})
    if "properties" in items:
        yield from _fields(items, f"{path}[].")
    elif "properties" in shape or isinstance(shape.get("additionalProperties"), Mapping):
        yield from _fields(shape, f"{path}.")
    else:
        yield {"path": path, "type": _type(shape), "description": shape.get("description", "")}


def _type(shape: Mapping[str, Any]) -> str:
    if "const" in shape:
        return "true" if shape["const"] is True else str(shape["const"])
    if "enum" in shape:
        return " | ".join("null" if value is None else str(value) for value in shape["enum"])
    if "anyOf" in shape:
        return " | ".join(_type(choice) for choice in shape["anyOf"])
    kind = shape.get("type", "any")
    text = " | ".join(kind) if isinstance(kind, list) else kind
    return f"{text} of {_type(shape['items'])}" if kind == "array" else text
