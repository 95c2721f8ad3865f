"""From an address below /api/ to the operation that answers it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.urls.resolvers import RegexPattern, URLResolver

from api.interface import api, schema
from api.problems import problem

_operations = URLResolver(RegexPattern(r"^v1/"), api.urls[0])


def answer(request: HttpRequest, rest: str) -> HttpResponseBase:
    if rest == "v1/openapi.json" and request.method == "GET":
        return JsonResponse(schema())
    try:
        found = _operations.resolve(rest)
        response: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
    except Http404:  # a Resolver404 is one, too
        return problem(404, f"There is nothing at /api/{rest[:100]}; /api/ lists what there is.")
    if response.status_code != 405:
        return response
    allowed = response["Allow"]
    return problem(405, f"{request.method} does nothing here; allowed: {allowed}.", {"Allow": allowed})
