"""How raters come, and how they go back: a plain link, invitations, Prolific, Mechanical Turk.

A platform's id of a person is never stored, only its keyed hash: enough to know somebody again who comes with it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.html import escape
from django.utils.translation import gettext as _

from comparisons.models import Invitation, RaterSession, Study

COOKIE = "way_back"
COOKIE_AGE = 90 * 24 * 3600
NAMES = {"prolific": "Prolific", "mturk": "Mechanical Turk"}  # of those that keep a book of their own
PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"  # Mechanical Turk: somebody looks at the task without taking it
PROLIFIC_FILLS_IN = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
PROLIFIC_RETURN = "https://app.prolific.com/submissions/complete"
MTURK_HOSTS = ("www.mturk.com", "workersandbox.mturk.com")  # that take results
MTURK_PAGES = "https://*.mturk.com"  # that show a task in a frame, or where its result leads
MTURK_QUESTION = """\
<?xml version="1.0" encoding="UTF-8"?>
<ExternalQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd">
  <ExternalURL>{address}</ExternalURL>
  <FrameHeight>0</FrameHeight>
</ExternalQuestion>"""  # a height of 0 fills the worker's window
LONGEST_ID = 200
Stage = RaterSession.Stage


class ArrivalError(ValueError):
    """The address lacks what the platform should have added; one sentence for the person who followed it."""


@dataclass(frozen=True)
class Arrival:
    """Who comes, as far as a platform says; `worker_hash` is empty for a plain link."""

    platform: str
    worker_hash: str = ""
    submission_hash: str = ""
    is_preview: bool = False
    way_back: Mapping[str, str] = field(default_factory=dict)  # for the browser to keep: it is not stored here


@dataclass(frozen=True)
class WayBack:
    """A link, or a form whose fields are posted, that tells the platform how it ended."""

    url: str
    fields: Mapping[str, str]
    is_form: bool


def entrance(study: Study, address: str) -> str:
    """What the platform, or people, are given so that they come: made of the address of the study's first page."""
    platform = study.protocol.recruitment.platform
    if platform == "prolific":
        return f"{address}?{'&'.join(f'{name}={{{{%{name}%}}}}' for name in PROLIFIC_FILLS_IN)}"
    return MTURK_QUESTION.format(address=escape(address)) if platform == "mturk" else address


def arrival(study: Study, query: Mapping[str, str]) -> Arrival:
    """What the parameters of the study's address say; ArrivalError where the platform's are missing or wrong."""
    platform = study.protocol.recruitment.platform
    if platform == "prolific":
        worker, submission = _required(query, "PROLIFIC_PID", platform), _required(query, "SESSION_ID", platform)
        return Arrival(platform, hashed(platform, worker), hashed(platform, submission))
    if platform == "mturk":
        return _from_mturk(query)
    if platform == "invitation":
        token_hash = hashed(platform, _required(query, "invitation", platform))
        if not Invitation.objects.filter(study=study, token_hash=token_hash).exists():
            raise ArrivalError(_("This invitation is not known. Please use the link exactly as it was sent to you."))
        return Arrival(platform, token_hash)
    return Arrival(platform)


def way_back(session: RaterSession, kept: Mapping[str, str]) -> WayBack | None:
    """Where the platform waits for this ending; None where there is only the code to hand in."""
    platform = session.study.protocol.recruitment.platform
    if platform == "prolific":
        return WayBack(f"{PROLIFIC_RETURN}?{urlencode({'cc': ending_code(session)})}", {}, is_form=False)
    if platform == "mturk" and kept:
        fields = {"assignmentId": kept["assignmentId"], "code": ending_code(session), "ending": session.stage}
        return WayBack(f"https://{_mturk_host(kept)}/mturk/externalSubmit", fields, is_form=True)
    return None


def needs_window(study: Study, query: Mapping[str, str]) -> bool:
    """Mechanical Turk shows a task inside its own page, where browsers keep no cookies of ours."""
    return study.protocol.recruitment.platform == "mturk" and "window" not in query


def remember_way_back(response: HttpResponse, arrival: Arrival, *, path: str, secure: bool) -> None:
    """Lasts as long as the session's own cookie: without it the work could not be handed in."""
    if arrival.way_back:
        response.set_signed_cookie(
            COOKIE,
            json.dumps(arrival.way_back),
            max_age=COOKIE_AGE,
            path=path,
            secure=secure,
            httponly=True,
            samesite="Lax",
        )


def recall_way_back(request: HttpRequest) -> Mapping[str, str]:
    kept: dict[str, str] = json.loads(request.get_signed_cookie(COOKIE, default="{}", max_age=COOKIE_AGE) or "{}")
    return kept


def ending_code(session: RaterSession) -> str:
    return ending_codes(session)[session.stage]


def ending_codes(session: RaterSession) -> dict[str, str]:
    """Of each ending: what the study file has for it, else the session's own."""
    return {ending: code or session.code_of(ending) for ending, code in study_codes(session.study).items()}


def study_codes(study: Study) -> dict[str, str]:
    """Of each ending, the same for everybody; empty where each session has its own."""
    recruitment = study.protocol.recruitment
    return {
        Stage.COMPLETED: recruitment.complete_code,
        Stage.SCREENED_OUT: recruitment.screened_out_code,
        Stage.FAILED: recruitment.failed_code,
    }


def invite(study: Study, count: int) -> list[str]:
    """New tokens, which are told once and stored as hashes."""
    tokens = [secrets.token_urlsafe(12) for _number in range(count)]
    Invitation.objects.bulk_create(Invitation(study=study, token_hash=hashed("invitation", token)) for token in tokens)
    return tokens


def made_up(study: Study, count: int) -> list[str]:
    """What would stand behind the study's address if the platform sent so many people: for simulated raters."""
    platform = study.protocol.recruitment.platform
    names = [f"simulated-{secrets.token_hex(8)}" for _ in range(count)]
    if platform == "prolific":
        return [f"?{urlencode({'PROLIFIC_PID': name, 'STUDY_ID': 'simulated', 'SESSION_ID': name})}" for name in names]
    if platform == "mturk":
        fixed = {"hitId": "simulated", "turkSubmitTo": f"https://{MTURK_HOSTS[1]}", "window": "1"}
        return [f"?{urlencode({'assignmentId': name, 'workerId': name} | fixed)}" for name in names]
    if platform == "invitation":
        return [f"?{urlencode({'invitation': token})}" for token in invite(study, count)]
    return [""] * count


def hashed(platform: str, identity: str) -> str:
    """HMAC-SHA256 with the site's secret: nobody without it can try whether an id is in the table."""
    return salted_hmac(f"comparisons.recruitment.{platform}", identity, algorithm="sha256").hexdigest()


def _from_mturk(query: Mapping[str, str]) -> Arrival:
    assignment = _required(query, "assignmentId", "mturk")
    if assignment == PREVIEW:
        return Arrival("mturk", is_preview=True)
    worker = _required(query, "workerId", "mturk")
    _mturk_host(query)
    return Arrival(
        "mturk",
        hashed("mturk", worker),
        hashed("mturk", assignment),
        way_back={"assignmentId": assignment, "turkSubmitTo": query["turkSubmitTo"]},
    )


def _required(query: Mapping[str, str], name: str, platform: str) -> str:
    value = query.get(name, "").strip()
    if not value or len(value) > LONGEST_ID or value.startswith("{{"):  # Prolific's, which nobody has filled in
        if platform == "invitation":
            raise ArrivalError(_("This study is by invitation. Please use the link exactly as it was sent to you."))
        sentence = _("This address lacks what {sender} adds to it ({name}). Please follow the link from there.")
        raise ArrivalError(sentence.format(sender=NAMES[platform], name=name))
    return value


def _mturk_host(query: Mapping[str, str]) -> str:
    try:
        host = urlsplit(query.get("turkSubmitTo", "")).hostname or ""
    except ValueError:  # such as a bracket that is never closed
        host = ""
    if host not in MTURK_HOSTS:
        raise ArrivalError(_("This address does not say where Mechanical Turk waits for the result (turkSubmitTo)."))
    return host
