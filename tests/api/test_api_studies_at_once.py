"""Two programs that make a study of one name at the same moment, on real connections."""

from __future__ import annotations

import pytest

from comparisons.models import Study
from comparisons.studies import create_study
from comparisons.study_file import read_table, study_of
from generation.models import System
from people.models import AuditEntry, Membership
from tests.api.conftest import Caller
from tests.api.test_api_studies import NEW
from tests.comparisons.unfinished import while_unfinished
from tests.factories import make_prompt_set


@pytest.mark.django_db(transaction=True)
def test_the_second_hears_that_the_name_is_taken(program: Caller) -> None:
    make_prompt_set("words")
    owner, spec = program("owner"), study_of(read_table(NEW.encode(), "test"))
    other = NEW.replace('"delta"', '"omega"')
    before = AuditEntry.objects.count()
    (study, _), answer = while_unfinished(
        lambda: create_study(spec), lambda: owner.post("studies", other, "application/toml")
    )
    assert answer.status_code == 409
    assert answer.json() == {"error": "slug is 'new', which another study has; allowed: a name that none has."}
    assert Study.objects.get(slug="new").design == study.design
    assert not Membership.objects.filter(study=study).exists()
    assert AuditEntry.objects.count() == before
    assert not System.objects.filter(slug__startswith="omega").exists()
