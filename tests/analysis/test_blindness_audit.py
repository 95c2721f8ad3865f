"""The whole audit: of a site that leaks nothing, and of one that leaks by what only statistics can see."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse

from analysis.blindness import collecting, telling
from analysis.blindness.audit import Audit, audit, certain_leaks, collect
from analysis.blindness.records import Leak
from analysis.blindness.telling import Telling
from analysis.management.commands import audit_blindness
from comparisons import judging, leases
from comparisons.models import Assignment, RaterSession, Study, Vote
from comparisons.protocol import Checks, Protocol
from comparisons.studies import StudyError, close_study
from comparisons.study_file import QuestionSpec
from tests.analysis.in_process import URL, browsers
from tests.comparisons.browsing import assert_counters_true
from tests.factories import make_open_study, make_system_spec

QUESTION = QuestionSpec("quality", "Which has the higher quality?", tie=False, both_bad=False)
TELLING = Telling(rows=40, accuracy=0.5, low=0.3, high=0.7, chance=0.5, p_values={"side": 1.0})


def make_study(prompts: int, question: QuestionSpec = QUESTION, **changes: Any) -> Study:
    systems = (make_system_spec("alpha"), make_system_spec("beta"))
    texts = [f"a fox with {number} kits" for number in range(prompts)]
    return make_open_study(texts, systems=systems, questions=(question,), votes_wanted=4, **changes)


@pytest.mark.django_db
def test_a_blind_study_passes_and_gets_its_places_back() -> None:
    study = make_study(4)
    found = audit(study, URL, 2, 0, browsers())
    assert found.is_blind, found.leaks
    assert (found.sessions, found.pairs, found.systems.rows, found.checks) == (3, 11, 22, None)
    assert set(Vote.objects.values_list("assignment__session__rater__kind", flat=True)) == {"simulated"}
    assert not Assignment.objects.open().exists()
    assert_counters_true(study)


@pytest.mark.django_db
def test_an_image_that_opens_after_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Assignment, "VISIBLE", (*Assignment.VISIBLE, Assignment.State.EXPIRED))
    study = make_study(4)
    leaks = certain_leaks(study, collect(study, URL, 2, 0, browsers()))
    assert [(leak.kind, leak.what) for leak in leaks] == [
        ("access", "an image opens for its own session after the lease")
    ]


@pytest.mark.django_db
def test_times_and_numbers_that_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """One system's images take longer, and a number in the page's data goes down as the prompts' places go up."""
    image_bytes, payload = judging.image_bytes, judging.payload

    def slow(session: RaterSession, token: uuid.UUID) -> bytes | None:
        found = image_bytes(session, token)
        lease = Assignment.objects.filter(left_token=token).first() or Assignment.objects.get(right_token=token)
        is_a = (lease.left_token == token) == lease.a_is_left
        image = lease.comparison.image_a if is_a else lease.comparison.image_b
        time.sleep(0.05 if found and image.job.system.slug == "alpha@4" else 0)
        return found

    def numbered(assignment: Assignment, *others: Any) -> dict[str, Any]:
        place = assignment.comparison.image_a.job.prompt.position
        return payload(assignment, *others) | {"batch": f"b-{1000 - 7 * place}"}

    monkeypatch.setattr(judging, "image_bytes", slow)
    monkeypatch.setattr(judging, "payload", numbered)
    found = audit(make_study(12), URL, 2, 0, browsers())
    assert not found.is_blind
    leaks = {leak.kind: leak.what for leak in reversed(found.leaks)}
    assert leaks.keys() == {"order", "field", "classifier"}
    assert leaks["order"] == "batch in the JSON, number 1 follows the prompt's place in its set"
    assert leaks["field"].startswith("time of the image")
    assert found.systems.accuracy > 0.8


@pytest.mark.django_db
def test_replies_and_addresses_that_tell_which_system_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said of the next pair, of the one after it, of the one just answered, and by odd and even addresses."""
    insert, addresses = leases._insert, judging.addresses

    def is_beta(lease: Assignment, side: str) -> int:
        is_a = (side == "left") == lease.a_is_left
        image = lease.comparison.image_a if is_a else lease.comparison.image_b
        return int(image.job.system.slug == "beta@4")

    def odd(*given: Any, **fields: Any) -> Assignment:
        lease = insert(*given, **fields)
        for side in ("left", "right"):
            token = uuid.UUID(int=getattr(lease, f"{side}_token").int & ~1 | is_beta(lease, side))
            setattr(lease, f"{side}_token", token)
        lease.save(update_fields=["left_token", "right_token"])
        return lease

    def ordered(lease: Assignment) -> dict[str, Any]:
        return addresses(lease) | {"order": is_beta(lease, "left")}

    def tell_winner(request: Any, response: HttpResponse) -> None:
        if request.resolver_match.url_name == "answer":
            reply = json.loads(response.content)
            answered = Vote.objects.get(client_key=reply["receipt"]["key"]).assignment
            reply["receipt"]["won"] = is_beta(answered, "left")
            response.content = json.dumps(reply)

    monkeypatch.setattr(leases, "_insert", odd)
    monkeypatch.setattr(judging, "addresses", ordered)
    monkeypatch.setattr(collecting, "LOOKS", 1)
    monkeypatch.setattr(telling, "PERMUTATIONS", 2000)
    found = audit(make_study(16), URL, 2, 0, browsers(tell_winner))
    assert set(found.systems.telling) >= {
        "order in the JSON",
        "ahead.order in the reply before",
        "receipt.won in the reply to its answer",
        "address of the image",
    }


@pytest.mark.django_db
def test_checks_that_look_other_than_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = judging.payload

    def kinder(assignment: Assignment, *others: Any) -> dict[str, Any]:
        return payload(assignment, *others) | {"counts": assignment.kind == Assignment.Kind.JUDGEMENT}

    monkeypatch.setattr(judging, "payload", kinder)
    question = replace(QUESTION, checks=("corrupted", "mismatched"))
    study = make_study(8, question, protocol=Protocol(checks=Checks(every=2)))
    found = audit(study, URL, 2, 0, browsers())
    assert found.checks
    assert "counts in the JSON" in found.checks.telling
    assert "field: counts in the JSON tells checks apart" in "\n".join(map(str, found.leaks))
    assert "counts in the JSON" not in found.systems.p_values, "all pairs that count have the same"


@pytest.mark.django_db
def test_what_cannot_be_audited_is_one_sentence() -> None:
    study = make_study(1)
    with pytest.raises(StudyError, match="--sessions is 1; allowed: a whole number of at least 2"):
        audit(study, URL, 1, 0, browsers())
    Study.objects.update(votes_wanted=1)
    close_study(study)
    with pytest.raises(StudyError, match="is closed: only an open study can be audited"):
        audit(study, URL, 2, 0, browsers())


@pytest.mark.django_db
def test_a_file_that_cannot_be_written_ends_it_before_anybody_votes(tmp_path: Path) -> None:
    study, file = make_study(1), tmp_path / "nowhere" / "audit.json"
    with pytest.raises(CommandError) as refused:
        call_command("audit_blindness", study.slug, "--sessions", "2", "--url", URL, "--json", str(file))
    assert str(refused.value) == f"{file}: cannot be written: No such file or directory."
    assert not study.sessions.exists()


@pytest.mark.parametrize("leaks", [[], [Leak("header", "images differ in their header etag", "'a' and 'b'")]])
def test_the_command_prints_writes_and_fails_with_each_leak(
    leaks: list[Leak], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Audit("mine", 3, 2, 20, 300, leaks, TELLING, TELLING)
    monkeypatch.setattr(audit_blindness, "find_study", lambda slug: slug)
    monkeypatch.setattr(audit_blindness, "audit", lambda *arguments: found)
    file = tmp_path / "audit.json"
    command = ["audit_blindness", "mine", "--sessions", "2", "--url", URL, "--json", str(file)]
    if leaks:
        with pytest.raises(CommandError, match="1 leak"):
            call_command(*command)
    else:
        call_command(*command)
    told = "told apart in 50.0% of 40 cases (99.9% interval 30.0% to 70.0%; chance 50.0%): not above chance"
    assert capsys.readouterr().out.splitlines() == [
        "mine: 20 pairs in 2 sessions, 300 responses.",
        f"Systems {told}",
        f"Checks  {told}",
        "  header: images differ in their header etag ('a' and 'b')" if leaks else "Nothing leaks.",
    ]
    written = json.loads(file.read_text())
    assert written["is_blind"] is not bool(leaks)
    assert written["systems"]["p_values"] == {"side": 1.0}
    assert len(written["leaks"]) == len(leaks)
