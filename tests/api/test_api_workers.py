"""What ties raters to the ids of a platform reaches no analyst's program, whichever operation it asks."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest

from analysis.computing import compute
from comparisons import exclusions
from comparisons.models import Rater, Study
from generation.models import Image
from tests.api.conftest import Caller, Program
from tests.api.test_api_access import GUARDED

SECRETS = ("hash-of-the-worker", "hash-of-the-submission", "CODE-OF-THE-END")


@pytest.fixture
def recruited(study: Study) -> Study:
    """One of its raters came by a platform."""
    session = study.sessions.earliest("id")
    Rater.objects.filter(pk=session.rater_id).update(platform="prolific", worker_hash=SECRETS[0])
    study.sessions.filter(pk=session.pk).update(submission_hash=SECRETS[1], completion_code=SECRETS[2])
    return study


def answers(asking: Program) -> Iterator[tuple[str, str]]:
    """Everything that can be read, files unpacked."""
    image = Image.objects.earliest("id")
    for operation in GUARDED:
        if " " in operation or operation.endswith(("png", "webp")):
            continue
        response = asking.get(operation.format(image_id=image.public_id))
        assert response.status_code == 200, operation
        yield from unpacked(operation, response.getvalue())


def unpacked(name: str, content: bytes) -> Iterator[tuple[str, str]]:
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inner in archive.namelist():
                yield from unpacked(f"{name}/{inner}", archive.read(inner))
    elif content.startswith(b"PAR1"):
        yield name, str(pq.read_table(io.BytesIO(content)).to_pylist())
    else:
        yield name, content.decode(errors="replace")


def test_no_answer_holds_them(recruited: Study, program: Caller) -> None:
    asking = program("analyst")
    excluded = recruited.sessions.latest("id")
    exclusions.exclude(excluded, "asleep", recruited.memberships.get().user)
    for kind in ("results", "results-with-excluded", "breakdowns", "report", "report-page"):
        compute(recruited, kind)
    read = dict(answers(asking))
    assert str(recruited.sessions.earliest("id").public_id) in read["studies/colours/votes.csv"]
    for name, text in read.items():
        assert not [secret for secret in SECRETS if secret in text], name
