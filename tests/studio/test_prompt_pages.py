"""Prompts are brought in the browser as import_prompts brings them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from generation.models import PromptSet
from people.models import AuditEntry
from studio.models import WorkingCopy

pytestmark = pytest.mark.django_db

TSV = "Prompt\tCategory\tChallenge\n" + "".join(
    f'a "{n}" fox\t{"Animals" if n % 3 else "Arts"}\t{("Detail", "Basic", "Style", "Basic")[n % 4]}\n'
    for n in range(20)
)


def bring(client: Client, copy: WorkingCopy, **typed: Any) -> Any:
    return client.post(f"/studio/drafts/{copy.pk}/prompts/", {"name": "new", **typed})


def texts(slug: str = "new") -> list[tuple[str, ...]]:
    return list(PromptSet.objects.get(slug=slug).prompts.values_list("text", "category", "challenge"))


@pytest.mark.parametrize("stratify", ["", "category", "challenge"])
def test_a_file_is_the_same_set_as_on_the_command_line(
    stratify: str, researcher: Client, copy: WorkingCopy, tmp_path: Path
) -> None:
    file = tmp_path / "parti.tsv"
    file.write_text(TSV)
    options = {"exclude_challenge": ["Basic"], "sample": 6, "seed": 3, "stratify": stratify}
    call_command("import_prompts", str(file), set="same", **options)
    upload = SimpleUploadedFile("parti.tsv", TSV.encode())
    response = bring(researcher, copy, file=upload, exclude="Basic", sample="6", seed="3", stratify=stratify)
    assert response["Location"] == f"/studio/drafts/{copy.pk}/"
    made, same = PromptSet.objects.get(slug="new"), PromptSet.objects.get(slug="same")
    assert (made.sha256, made.source) == (same.sha256, same.source)
    copy.refresh_from_db()
    assert copy.content["prompt_set"] == "new"


def test_pasted_lines_are_a_set(researcher: Client, copy: WorkingCopy) -> None:
    bring(researcher, copy, pasted="a fox\r\n\r\na boat\r\na fox\r\n", drop_repeats="on")
    assert texts() == [("a fox", "", ""), ("a boat", "", "")]
    assert PromptSet.objects.get(slug="new").source == "pasted prompts"


def test_a_sample_is_drawn_of_a_set_that_is_here(researcher: Client, copy: WorkingCopy) -> None:
    bring(researcher, copy, sample_of="animals", sample="2", seed="1")
    assert set(texts()) < set(texts("animals"))
    assert len(texts()) == 2
    assert PromptSet.objects.get(slug="new").source == "tests; set animals, 2 drawn with seed 1"


def test_a_sample_can_be_stratified(researcher: Client, copy: WorkingCopy) -> None:
    bring(researcher, copy, file=SimpleUploadedFile("parti.tsv", TSV.encode()), sample="8", stratify="challenge")
    assert Counter(challenge for _, _, challenge in texts()) == {"Basic": 4, "Detail": 2, "Style": 2}
    assert PromptSet.objects.get(slug="new").source == "parti.tsv, 8 drawn with seed 0, in proportion by challenge"


def test_what_stratifies_stays_chosen_beside_a_mistake(researcher: Client, copy: WorkingCopy) -> None:
    html = bring(researcher, copy, pasted="a fox", stratify="challenge").content.decode()
    assert '<option value="challenge" selected>Challenge</option>' in html
    assert "Stratify is &#x27;challenge&#x27;, and no sample is drawn; allowed: only with one." in html


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "Choose one of the three: a file, pasted lines, or a set that is here."),
        ({"pasted": "a fox", "sample_of": "animals"}, "Choose one of the three: a file, pasted lines, or a set"),
        ({"pasted": "a fox", "name": "My Set"}, "Found &#x27;My Set&#x27;; allowed: 1 to 100 lower-case letters"),
        ({"pasted": "a fox", "name": "animals"}, "&#x27;animals&#x27;, which exists with other prompts (4 from tests)"),
        ({"pasted": "a fox", "sample": "2"}, "Sample is 2; allowed: 1 to 1, the prompts that are left."),
        (
            {"pasted": "a fox", "sample": "1", "stratify": "challenge"},
            "&#x27;challenge&#x27;, which none of the prompts",
        ),
        ({"pasted": "a fox", "stratify": "note"}, "Stratify is &#x27;note&#x27;; allowed: category or challenge."),
        ({"pasted": "a fox", "sample": "two"}, "Found &#x27;two&#x27;; allowed: a whole number of at least 0."),
        ({"pasted": "a fox", "exclude": "Basic"}, "Challenge &#x27;Basic&#x27; to exclude occurs nowhere"),
        (
            {"pasted": "a fox\na fox"},
            "row 2 repeats the prompt of row 1: &#x27;a fox&#x27;; ticking the box below keeps the first",
        ),
        ({"sample_of": "plants"}, "Found &#x27;plants&#x27;; allowed: one of the list."),
        ({"file": SimpleUploadedFile("../x/p.json", b"{}")}, "P.json: holds no JSON list"),
        ({"file": SimpleUploadedFile("p.csv", b"text\na fox\n")}, "P.csv: no prompt column; found: text"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(
    typed: dict[str, Any], sentence: str, researcher: Client, copy: WorkingCopy
) -> None:
    response = bring(researcher, copy, **typed)
    assert response.status_code == 422
    html = response.content.decode()
    assert sentence in html
    assert typed.get("pasted", "") in html
    assert list(PromptSet.objects.values_list("slug", flat=True)) == ["animals"]


def test_the_same_prompts_under_the_same_name_are_no_mistake(researcher: Client, copy: WorkingCopy) -> None:
    for _ in range(2):
        assert bring(researcher, copy, pasted="a fox").status_code == 302
    assert PromptSet.objects.filter(slug="new").count() == 1
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.who, entry.details) == ("imported", "ana", {"prompts": 1, "prompt set": "new"})


def test_a_file_may_have_a_name_of_many_bytes(researcher: Client, copy: WorkingCopy) -> None:
    file = SimpleUploadedFile(f"{'狐' * 90}.tsv", TSV.encode())
    assert bring(researcher, copy, file=file).status_code == 302
    assert len(texts()) == 20
    assert PromptSet.objects.get(slug="new").source.endswith("狐.tsv")
