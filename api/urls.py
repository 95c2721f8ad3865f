"""The API's addresses. All lead to one view, which imports what answers them when somebody first asks.

Pydantic and the statistics take a second and 100 MB, which raters' pages and management commands do without.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, re_path
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

app_name = "api"


@csrf_exempt  # a token in a header lets in, and no cookie
def ask(request: HttpRequest, rest: str) -> HttpResponseBase:
    response: HttpResponseBase = import_string("api.dispatch.answer")(request, rest)
    return response


def reference(request: HttpRequest) -> HttpResponseBase:
    response: HttpResponseBase = import_string("api.reference.reference")(request)
    return response


urlpatterns = [
    path("", reference, name="reference"),
    re_path(r"^(?P<rest>[\s\S]*)\Z", ask, name="ask"),  # a newline, too
]
