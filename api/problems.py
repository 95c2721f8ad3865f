"""What the API says when it does not do what was asked: always `{"error": "one sentence"}`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

from comparisons.studies import StudyError

WHO = "Say who you are: Authorization: Bearer evalsite_…, with a token that is neither revoked nor expired."


class Problem(Schema):
    error: str = Field(examples=["There is no study 'colours' in which you take part."])


def problems(*statuses: int) -> dict[int, type[Problem]]:
    """The declared answers of an operation of a study, with those that only some operations give."""
    return dict.fromkeys((401, 403, 404, 422, *statuses), Problem)


def problem(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    content = json.dumps({"error": sentence})
    return HttpResponse(content, status=status, content_type="application/json; charset=utf-8", headers=headers)


def say_so(api: NinjaAPI) -> None:
    """Give each exception its answer."""

    @api.exception_handler(AuthenticationError)
    def nobody(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return problem(401, WHO, {"WWW-Authenticate": 'Bearer realm="evalsite"'})

    @api.exception_handler(HttpError)
    def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, "The body is not JSON." if error.status_code == 400 else error.message)

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        return problem(422, " ".join(map(_sentence, error.errors)))

    @api.exception_handler(StudyError)
    def conflict(request: HttpRequest, error: StudyError) -> HttpResponse:
        return problem(409, str(error))

    @api.exception_handler(RequestDataTooBig)
    @api.exception_handler(TooManyFilesSent)
    def too_big(request: HttpRequest, error: Exception) -> HttpResponse:
        return problem(413, "Too much in one request; allowed: a body of 2.5 MB besides files, and 100 files.")

    @api.exception_handler(MultiPartParserError)
    def no_multipart(request: HttpRequest, error: MultiPartParserError) -> HttpResponse:
        return problem(400, "The body is not multipart/form-data with a boundary.")


def _sentence(error: Mapping[str, Any]) -> str:
    """Names the field by its place within the body, or by its name in the address."""
    place = ".".join(str(part) for part in error["loc"][1:] if part != "body") or "body"
    return f"{place}: {error['msg']}."
