"""How a bundle is asked for: by command and by page."""

from __future__ import annotations

import io
import zipfile
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from analysis.__main__ import main
from comparisons.models import Study
from comparisons.protocol import Protocol
from generation.models import Image
from people.models import AuditEntry
from tests.analysis.votes import cast_votes
from tests.factories import make_draft, make_open_study

pytestmark = pytest.mark.django_db
DRAFT = "Study 'one' is a draft: its design has no hash before it is opened."
HIDDEN = "The results of this study are hidden until it is closed: its design says hide_results_until_closed."


@pytest.fixture
def study() -> Study:
    study = make_open_study(slug="one")
    cast_votes(study, raters=2, each=4)
    return study


def test_an_imported_seed_may_take_64_bits(study: Study, tmp_path: Path) -> None:
    image = Image.objects.order_by("job__system__slug", "job__prompt__position").first()
    assert image is not None
    image.environment |= {"imported": True, "seed": 2**64 - 1}
    image.save(update_fields=["environment"])
    call_command("export_bundle", "one", out=tmp_path / "one.zip", stdout=StringIO())
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        rows = pd.read_parquet(io.BytesIO(archive.read("images.parquet")))
    assert rows["seed"].max() == 2**64 - 1


def hiding() -> Study:
    return make_open_study(slug="one", protocol=Protocol(hide_results_until_closed=True))


def taken(researcher: Client, address: str, name: str | None = None) -> bytes:
    response = researcher.get(address)
    assert response.status_code == 200
    assert name is None or response["Content-Disposition"] == f'attachment; filename="{name}"'
    return response.getvalue()


def test_the_command_writes_it_with_or_without_pictures(study: Study, tmp_path: Path) -> None:
    out = tmp_path / "new" / "one.zip"
    for is_wanted, pictures in ((True, 12), (False, 0)):
        call_command("export_bundle", "one", out=out, images=is_wanted, stdout=StringIO())
        with zipfile.ZipFile(out) as archive:
            assert sum(name.startswith("images/") for name in archive.namelist()) == pictures
        assert main([str(out), "--quiet"]) == 0
    assert [path.name for path in out.parent.iterdir()] == ["one.zip"]
    assert [entry.details for entry in AuditEntry.objects.filter(verb="exported")] == [{"file": "one.zip"}] * 2


def test_the_command_says_why_there_is_none(tmp_path: Path) -> None:
    draft, out = make_draft(slug="one"), tmp_path / "one.zip"
    with pytest.raises(CommandError, match=f"^{DRAFT}$"):
        call_command("export_bundle", "one", out=out)
    draft.delete()
    hiding()
    with pytest.raises(CommandError, match=f"^{HIDDEN}$"):
        call_command("export_bundle", "one", out=out)
    with pytest.raises(CommandError, match=r"^There is no study 'two'; existing: one\.$"):
        call_command("export_bundle", "two", out=out)
    assert not any(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(study: Study, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: Is a directory"):
        call_command("export_bundle", "one", out=tmp_path)


def test_the_page_leads_to_each_file(study: Study, researcher: Client) -> None:
    page = researcher.get("/studies/one/exports/").content.decode()
    for address in ("/studies/one/votes.csv", "/studies/one/votes.parquet", "/studies/one/bundle.zip"):
        assert f'href="{address}"' in page
        assert len(taken(researcher, address)) > 500
    assert [entry.details["file"] for entry in AuditEntry.objects.filter(verb="exported").order_by("id")] == [
        "votes.csv",
        "votes.parquet",
        "bundle.zip",
    ]


def test_the_bundle_comes_whole(study: Study, researcher: Client, tmp_path: Path) -> None:
    (tmp_path / "one.zip").write_bytes(taken(researcher, "/studies/one/bundle.zip", "one.zip"))
    assert main([str(tmp_path / "one.zip"), "--quiet"]) == 0


def test_parquet_comes_whole(study: Study, researcher: Client) -> None:
    content = taken(researcher, "/studies/one/votes.parquet", "one-votes.parquet")
    assert len(pd.read_parquet(io.BytesIO(content))) == 8


def test_hidden_results_are_in_no_bundle_but_votes_can_be_taken(researcher: Client) -> None:
    hiding()
    page = researcher.get("/studies/one/exports/").content.decode()
    assert HIDDEN in page and "bundle.zip" not in page and "/studies/one/votes.csv" in page
    response = researcher.get("/studies/one/bundle.zip", follow=True)
    assert response.redirect_chain == [("/studies/one/exports/", 302)]
    assert response.content.decode().count(HIDDEN) == 2
    assert taken(researcher, "/studies/one/votes.parquet")
