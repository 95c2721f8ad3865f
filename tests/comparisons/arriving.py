"""People whom a platform sends: studies that recruit there, and browsers that come with its parameters."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db import connection

from comparisons.models import RaterSession, Study
from comparisons.protocol import ComprehensionItem, Protocol, Recruitment
from comparisons.sessions import end
from comparisons.study_file import QuestionSpec
from tests.comparisons.browsing import Browser
from tests.factories import make_open_study

CODES = {"complete_code": "C-DONE", "screened_out_code": "C-SCREENED", "failed_code": "C-CHECKS"}
QUESTION = QuestionSpec("q", "Which?", tie=False, both_bad=False)
TEXTS = ["a red fox", "a paper boat"]  # six pairs
ITEM = ComprehensionItem("What do you compare?", ("pictures", "texts"), 1)
WRONG = {"item-0": "2"}
SUBMIT_TO = "https://www.mturk.com"


def make_recruiting_study(platform: str, *, comprehension: bool = False, **changes: Any) -> Study:
    """Six pairs under one question. `changes` are of the recruitment, but for votes_wanted."""
    votes_wanted = changes.pop("votes_wanted", 5)
    codes = CODES if platform == "prolific" else {}
    protocol = Protocol(
        recruitment=Recruitment(platform=platform, **codes | changes), comprehension=(ITEM,) if comprehension else ()
    )
    return make_open_study(TEXTS, questions=(QUESTION,), protocol=protocol, votes_wanted=votes_wanted)


def prolific(worker: str, submission: str = "") -> dict[str, str]:
    return {"PROLIFIC_PID": worker, "STUDY_ID": "s-1", "SESSION_ID": submission or f"submission-of-{worker}"}


def mturk(worker: str, assignment: str = "", **changes: str) -> dict[str, str]:
    values = {
        "hitId": "h-1",
        "assignmentId": assignment or f"assignment-of-{worker}",
        "workerId": worker,
        "turkSubmitTo": SUBMIT_TO,
    }
    return values | changes


def address(study: Study, query: dict[str, str]) -> str:
    return f"/r/{study.key}/?{urlencode(query)}"


def come(study: Study, query: dict[str, str], browser: Browser | None = None) -> Browser:
    """Follow the platform's link and agree; Mechanical Turk's people do so in the window that opens."""
    browser = browser or Browser(study)
    query = query | {"window": "1"} if "workerId" in query else query
    browser.client.get(address(study, query))
    browser.client.post(address(study, query), {"consent": "1"})
    return browser


def take_part(study: Study, query: dict[str, str], answers: int | None = None) -> RaterSession:
    """Judge so many pairs, or all and open the last page."""
    browser = come(study, query)
    session = RaterSession.objects.latest("id")
    payload = browser.judge()
    while payload and answers != 0:
        payload = browser.answer(payload)["next"]
        answers = None if answers is None else answers - 1
    if answers is None:
        browser.get("thanks/")
    session.refresh_from_db()
    return session


def end_as(study: Study, query: dict[str, str], ending: str) -> RaterSession:
    session = take_part(study, query, answers=0)
    end(session, ending)
    return session


def all_that_is_stored() -> str:
    """Every value of every table."""
    values = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            values += cursor.fetchall()
    return str(values)
