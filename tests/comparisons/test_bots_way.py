"""A simulated rater comes through the pages before judging as a person does."""

from __future__ import annotations

import pytest
from pytest_django.live_server_helper import LiveServer

from comparisons.bots import Bot, Truth
from comparisons.models import RaterSession
from tests.comparisons.arriving import make_recruiting_study

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("option", "stage", "answers"), [(1, "completed", 6), (2, "comprehension", 0)], ids=["right", "wrong"]
)
def test_a_bot_tries_the_comprehension_check_once(
    live_server: LiveServer, option: int, stage: str, answers: int
) -> None:
    study = make_recruiting_study("link", comprehension=True)
    bot = Bot(f"{live_server.url}/r/{study.key}/", Truth({"q": {}}, (option,)), seed="1")
    assert bot.take_part().answers == answers
    session = RaterSession.objects.get()
    assert (session.stage, session.comprehension_tries) == (stage, 1)
