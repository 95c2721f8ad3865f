"""Whatever is sent, the API answers as its description says, and never with a fault of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from analysis.computing import compute
from api.interface import schema
from comparisons.models import Study
from evalsite.wsgi import application
from generation.models import Image
from tests.api.conftest import Caller

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]


def whole(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The application; its files are closed, which the client that schemathesis uses forgets."""
    response = application(environ, start_response)
    try:
        return [b"".join(response)]
    finally:
        response.close()


@pytest.fixture
def served(study: Study) -> Iterator[None]:
    """The application itself, in the transaction of the test."""
    for kind in ("results", "breakdowns", "report", "report-page"):
        compute(study, kind)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("served")
def test_answers_are_as_described(program: Caller, study: Study) -> None:
    """With good and bad data, for the study that is there and for others."""
    headers, image = program("owner").headers, Image.objects.earliest("id")
    described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", whole)
    operations = [found.ok() for found in described.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == sum(map(len, schema()["paths"].values()))
    for operation in operations:
        try_out(operation, headers, {"slug": study.slug, "image_id": str(image.public_id)})


def try_out(operation: Any, headers: dict[str, str], real: dict[str, str]) -> None:
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

    @settings(max_examples=12, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=cases, is_there=st.booleans())
    def answers(case: schemathesis.Case[Any], is_there: bool) -> None:
        if is_there:
            case.path_parameters.update({name: real[name] for name in case.path_parameters.keys() & real.keys()})
        case.call_and_validate(headers=headers, checks=CHECKS)

    answers()
