"""Every constraint of the models, violated in the database itself. A new constraint without a case here fails."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import (
    CharField,
    CheckConstraint,
    Field,
    Model,
    PositiveBigIntegerField,
    PositiveIntegerField,
    UniqueConstraint,
    UUIDField,
)
from django.utils import timezone

from comparisons.models import (
    Assignment,
    Comparison,
    Exclusion,
    Invitation,
    Matchup,
    Question,
    Rater,
    RaterSession,
    Report,
    Study,
    Vote,
)
from generation.models import Checkpoint, Image, ImageJob, LatencyRun, Prompt, PromptSet, System
from people import audit, tokens
from people.models import AuditEntry, Membership, Token
from tests.analysis.votes import cast_vote
from tests.factories import make_draft, make_open_study, make_session

pytestmark = pytest.mark.django_db

if TYPE_CHECKING:
    AnyField = Field[Any, Any]
Row = TypeVar("Row", bound=Model)
MODELS = [model for room in ("people", "generation", "comparisons") for model in apps.get_app_config(room).get_models()]


@dataclass(frozen=True)
class Rows:
    """One of each, none of which breaks anything."""

    study: Study
    draft: Study
    session: RaterSession
    open: Assignment
    vote: Vote
    excluded_vote: Exclusion
    excluded_session: Exclusion
    checkpoint: Checkpoint
    latency_run: LatencyRun
    membership: Membership
    token: Token
    entry: AuditEntry

    @property
    def prompt_set(self) -> PromptSet:
        return self.study.prompt_set

    @property
    def prompt(self) -> Prompt:
        return self.prompt_set.prompts.all()[0]

    @property
    def system(self) -> System:
        return self.study.systems.all()[0]

    @property
    def job(self) -> ImageJob:
        return ImageJob.objects.earliest("id")

    @property
    def image(self) -> Image:
        return Image.objects.earliest("id")

    @property
    def question(self) -> Question:
        return self.study.questions.all()[0]

    @property
    def matchup(self) -> Matchup:
        return Matchup.objects.earliest("id")

    @property
    def comparison(self) -> Comparison:
        return Comparison.objects.earliest("id")

    @property
    def another_comparison(self) -> Comparison:
        return Comparison.objects.latest("id")


@pytest.fixture
def rows() -> Rows:
    study = make_open_study(["a red fox"])
    comparisons = Comparison.objects.order_by("id")
    session, now = make_session(study), timezone.now()
    opened = Assignment.objects.create(
        session=session,
        comparison=comparisons[0],
        a_is_left=True,
        probability=1,
        issued_at=now,
        expires_at=now + timedelta(minutes=1),
    )
    vote, ana = cast_vote(session, comparisons[1]), User.objects.create_user("ana")
    return Rows(
        study=study,
        draft=make_draft(),
        session=session,
        open=opened,
        vote=vote,
        excluded_vote=Exclusion.objects.create(vote=vote, reason="too fast"),
        excluded_session=Exclusion.objects.create(session=session, reason="asked to be left out"),
        checkpoint=Checkpoint.objects.create(sha256="0" * 64, location="./tiny", files={}),
        latency_run=LatencyRun.objects.create(
            system="tiny@1", fingerprint="0" * 64, spec={}, batch_size=1, runs=1, timings=[{}], environment={}
        ),
        membership=Membership.objects.create(user=ana, study=study, role="owner"),
        token=tokens.make(ana, "laptop", ["read:votes"], None)[0],
        entry=audit.record(audit.Verb.OPENED, actor=ana),
    )


def another(row: Row, **changes: object) -> Row:
    """A copy that is not saved, with fresh names and keys where one may occur only once."""
    fresh: dict[str, object] = {
        field.name: _fresh(field) for field in unique_fields(type(row)) if not field.is_relation
    }
    values = {field.name: getattr(row, field.name) for field in row._meta.concrete_fields if not field.generated}
    return type(row)(**values | fresh | {"id": None} | changes)


def _fresh(field: AnyField) -> object:
    assert isinstance(field, CharField | UUIDField)
    return uuid.uuid4() if isinstance(field, UUIDField) else uuid.uuid4().hex[:16]


def unique_fields(model: type[Model]) -> Iterator[AnyField]:
    return (field for field in model._meta.concrete_fields if field.unique and not field.primary_key)


BREACHES: dict[str, Callable[[Rows], Model]] = {
    "PromptSet.slug": lambda rows: another(rows.prompt_set, slug=rows.prompt_set.slug),
    "one_prompt_per_position": lambda rows: another(rows.prompt),
    "prompt_has_text": lambda rows: another(rows.prompt, position=9, text=""),
    "System.slug": lambda rows: another(rows.system, slug=rows.system.slug),
    "System.fingerprint": lambda rows: another(rows.system, fingerprint=rows.system.fingerprint),
    "system_has_steps": lambda rows: another(rows.system, steps=0),
    "Checkpoint.sha256": lambda rows: another(rows.checkpoint, sha256=rows.checkpoint.sha256),
    "one_job_per_image": lambda rows: another(rows.job),
    "job_state_is_known": lambda rows: another(rows.job, seed=1, state="lost"),
    "job_lease_iff_running": lambda rows: another(rows.job, seed=1, state="running"),
    "Image.job": lambda rows: another(rows.image),
    "Image.public_id": lambda rows: another(rows.image, job=another_job(rows), public_id=rows.image.public_id),
    "image_timings_not_negative": lambda rows: another(rows.image, encode_ms=None, total_ms=None, decode_ms=-0.1),
    "image_has_size": lambda rows: another(rows.image, height=0),
    "latency_run_has_batch": lambda rows: another(rows.latency_run, batch_size=0),
    "latency_run_measured_or_failed": lambda rows: another(rows.latency_run, error="no room"),
    "Study.slug": lambda rows: another(rows.study, slug=rows.study.slug),
    "Study.key": lambda rows: another(rows.study, key=rows.study.key),
    "study_state_is_known": lambda rows: another(rows.study, state="paused"),
    "study_draft_iff_never_opened": lambda rows: another(rows.study, state="draft"),
    "study_closed_after_opened": lambda rows: another(
        rows.study, state="closed", opened_at=timezone.now(), closed_at=timezone.now() - timedelta(days=1)
    ),
    "study_wants_votes": lambda rows: another(rows.study, votes_wanted=0),
    "one_question_per_key": lambda rows: another(rows.question, position=9),
    "one_question_per_position": lambda rows: another(rows.question, key="another"),
    "one_matchup_per_pair": lambda rows: another(rows.matchup),
    "matchup_systems_ordered": lambda rows: another(
        rows.matchup, system_a=rows.matchup.system_b, system_b=rows.matchup.system_a
    ),
    "one_comparison_per_pair": lambda rows: another(rows.comparison),
    "comparison_images_ordered": lambda rows: another(
        rows.comparison, image_a=rows.comparison.image_b, image_b=rows.comparison.image_a
    ),
    "comparison_quota_kept": lambda rows: another(rows.comparison, open_leases=1, done=2),
    "rater_kind_is_known": lambda rows: another(rows.session.rater, kind="robot"),
    "RaterSession.public_id": lambda rows: another(
        rows.session, rater=Rater.objects.create(), public_id=rows.session.public_id
    ),
    "one_session_per_rater_and_study": lambda rows: another(rows.session),
    "one_rater_per_worker": lambda rows: another(known_worker()),
    "erased_rater_is_nobody": lambda rows: another(rows.session.rater, worker_hash="x", erased_at=timezone.now()),
    "session_ended_iff_in_an_ending": lambda rows: another(
        rows.session, rater=Rater.objects.create(), stage="completed", completed_at=None
    ),
    "session_names_its_consent": lambda rows: another(rows.session, rater=Rater.objects.create(), consent_version=""),
    "pair_seen_once": lambda rows: another(rows.vote.assignment),
    "one_assignment_ahead_per_session": lambda rows: another(
        saved(another(rows.open, comparison=rows.another_comparison, state="ahead")), kind="repeat"
    ),
    "one_undone_assignment_per_session": lambda rows: another(
        saved(another(rows.open, comparison=rows.another_comparison, state="undone")), kind="repeat"
    ),
    "assignment_stand_in_fits_kind": lambda rows: another(rows.open, kind="same", state="done"),
    "practice_has_a_known_answer": lambda rows: another(rows.open, is_practice=True, state="done"),
    "one_open_assignment_per_session": lambda rows: another(rows.open, comparison=rows.another_comparison),
    "assignment_expires_later": lambda rows: another(rows.open, expires_at=rows.open.issued_at),
    "assignment_state_is_known": lambda rows: another(rows.open, state="lost"),
    "assignment_probability_valid": lambda rows: another(rows.open, probability=1.01),
    "Assignment.public_id": lambda rows: another(
        rows.open, session=make_session(rows.study), public_id=rows.open.public_id
    ),
    "Assignment.left_token": lambda rows: another(
        rows.open, session=make_session(rows.study), left_token=rows.open.left_token
    ),
    "Assignment.right_token": lambda rows: another(
        rows.open, session=make_session(rows.study), right_token=rows.open.right_token
    ),
    "one_first_vote_per_assignment": lambda rows: another(rows.vote),
    "Vote.supersedes": lambda rows: another(saved(another(rows.vote, supersedes=rows.vote))),
    "Report.assignment": lambda rows: another(Report.objects.create(assignment=rows.open, problem="other")),
    "report_problem_is_known": lambda rows: Report(assignment=rows.open, problem="boring"),
    "Invitation.token_hash": lambda rows: another(
        Invitation.objects.create(study=rows.study, token_hash="x"), token_hash="x"
    ),
    "Vote.client_key": lambda rows: another(rows.vote, assignment=rows.open, client_key=rows.vote.client_key),
    "vote_outcome_is_known": lambda rows: another(rows.vote, assignment=rows.open, outcome="neither"),
    "exclusion_has_one_target": lambda rows: another(rows.excluded_vote, session=rows.session),
    "exclusion_has_reason": lambda rows: another(rows.excluded_vote, reason=""),
    "one_exclusion_per_vote": lambda rows: another(rows.excluded_vote),
    "one_exclusion_per_session": lambda rows: another(rows.excluded_session),
    "one_role_per_person_and_study": lambda rows: another(rows.membership),
    "membership_role_is_known": lambda rows: another(rows.membership, study=rows.draft, role="king"),
    "Token.prefix": lambda rows: another(rows.token, name="desk", prefix=rows.token.prefix),
    "one_token_per_name": lambda rows: another(rows.token),
    "token_has_name": lambda rows: another(rows.token, name=""),
    "token_has_scopes": lambda rows: another(rows.token, name="desk", scopes=[]),
    "audit_entry_verb_is_known": lambda rows: another(rows.entry, verb="pondered"),
    "audit_entry_names_one_actor": lambda rows: another(rows.entry, by="somebody else"),
}


def saved(row: Model) -> Any:
    row.save()
    return row


def known_worker() -> Rater:
    return Rater.objects.create(platform="prolific", worker_hash="x")


def another_job(rows: Rows) -> ImageJob:
    job = another(rows.job, seed=1)
    job.save()
    return job


def constraints() -> dict[str, str]:
    """What the database says when each of them is broken: constraints by their name, unique fields as Model.field."""
    return {
        **{name: message for model in MODELS for name, message in _named(model)},
        **{
            f"{model.__name__}.{field.name}": _unique(model, f"{model._meta.db_table}_{field.column}_key", [field])
            for model in MODELS
            for field in unique_fields(model)
        },
    }


def _named(model: type[Model]) -> Iterator[tuple[str, str]]:
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            columns = [field for field in model._meta.concrete_fields if field.name in constraint.fields]
            yield constraint.name, _unique(model, constraint.name, columns)
        else:
            assert isinstance(constraint, CheckConstraint)
            yield (
                constraint.name,
                f"CHECK constraint failed: {constraint.name}" if is_sqlite() else f'"{constraint.name}"',
            )


def _unique(model: type[Model], name: str, fields: Iterable[AnyField]) -> str:
    columns = ", ".join(f"{model._meta.db_table}.{field.column}" for field in fields)
    return f"UNIQUE constraint failed: {columns}" if is_sqlite() else f'unique constraint "{name}"'


def is_sqlite() -> bool:
    return connection.vendor == "sqlite"


def test_every_constraint_has_a_case() -> None:
    assert set(constraints()) == set(BREACHES)


@pytest.mark.parametrize("name", BREACHES)
def test_it_is_refused(rows: Rows, name: str) -> None:
    breach = BREACHES[name](rows)
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        breach.save(force_insert=True)
    assert constraints()[name] in str(refusal.value)


@pytest.mark.parametrize(
    ("model", "field"),
    [
        pytest.param(model, field.name, id=f"{model.__name__}.{field.name}")
        for model in MODELS
        for field in model._meta.concrete_fields
        if isinstance(field, PositiveIntegerField | PositiveBigIntegerField)
    ],
)
def test_counts_are_not_negative(rows: Rows, model: type[Model], field: str) -> None:
    breach = another(model._default_manager.earliest("id"), **{field: -1})
    with pytest.raises(IntegrityError, match=r"(?i)check constraint"), transaction.atomic():
        breach.save(force_insert=True)


def test_consent_time_is_required(rows: Rows) -> None:
    breach = another(rows.session, rater=Rater.objects.create(), consented_at=None)
    with pytest.raises(IntegrityError, match="consented_at"), transaction.atomic():
        breach.save(force_insert=True)
