"""Study files that come with a request, and what is made of them."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from ninja.errors import HttpError

from comparisons import studies
from comparisons.models import Study
from comparisons.studies import SlugTakenError, StudyError
from comparisons.study_file import StudyFileError, StudySpec, read_table, study_of
from generation.systems import SpecError
from people import audit, members
from people.audit import Verb

TOML, JSON = "application/toml", "application/json"
NAME = "study file"  # how sentences call the body


def spec_in(request: HttpRequest) -> StudySpec:
    """The study that the body describes, as TOML or as JSON of the same keys."""
    if request.content_type not in {TOML, JSON}:
        raise HttpError(415, f"Content-Type is {request.content_type!r}; allowed: {TOML}, {JSON}.")
    try:
        table = read_table(request.body, NAME) if request.content_type == TOML else _read_json(request.body)
        return study_of(table)
    except StudyFileError as error:
        raise HttpError(422, str(error)) from None
    except SpecError as error:
        raise HttpError(422, f"{NAME}: {error}.") from None


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        table = json.loads(body, parse_constant=_no_number)
        json.dumps(table, ensure_ascii=False).encode()  # half a surrogate is no text
    except (ValueError, RecursionError) as error:
        raise StudyFileError(f"{NAME}: not valid JSON: {error}.") from None
    if not isinstance(table, dict):
        raise StudyFileError(f"{NAME}: found {type(table).__name__}; allowed: an object with the keys of a study file.")
    return table


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


@transaction.atomic
def create(spec: StudySpec, user: User) -> Study:
    """A new draft, whose owner is who made it."""
    study = _write(spec, must_be_new=True)
    members.grant(study, user, members.Role.OWNER, actor=user)
    audit.record(Verb.CREATED, study=study, actor=user)
    return study


@transaction.atomic
def replace(study: Study, spec: StudySpec, user: User) -> Study:
    """The same draft with another design. A design that is the same changes nothing, also where it is frozen."""
    if spec.slug != study.slug:
        raise HttpError(422, f"slug is {spec.slug!r}; allowed: {study.slug!r}, as in the address.")
    if study.state != Study.State.DRAFT:
        studies.create_study(spec)  # StudyError unless it is the same
        return study
    before = study.design
    changed = _write(spec)
    if changed.design != before:
        audit.record(Verb.CHANGED, study=study, actor=user)
    return changed


def _write(spec: StudySpec, *, must_be_new: bool = False) -> Study:
    try:
        return studies.create_study(spec, must_be_new=must_be_new)[0]
    except SlugTakenError:
        raise
    except StudyError as error:
        raise HttpError(422, f"{NAME}: {error}") from None
