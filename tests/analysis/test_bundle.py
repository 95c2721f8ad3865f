"""A study's bundle: what is in it, and that it proves its numbers by itself."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.utils import timezone

from analysis import bundle_check, snapshots
from analysis.__main__ import main
from analysis.bundle import write_bundle
from analysis.bundle_files import MANIFEST, NAMES, BundleWriter
from analysis.code_versions import code_versions
from analysis.stats.summary import VERSION
from comparisons.models import Exclusion, Rater, RaterSession, Study, Vote
from comparisons.studies import close_study
from tests.analysis.votes import cast_votes
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
READ_BY_NOBODY = ("README.txt", "study.toml", "checkpoints.json")  # only their hashes are compared


@pytest.fixture
def study() -> Study:
    study = make_open_study(slug="one")
    cast_votes(study, raters=4, each=6)
    close_study(study)
    Exclusion.objects.create(session=RaterSession.objects.latest("id"), reason="asked for it", rule="too_fast")
    Exclusion.objects.create(vote=Vote.objects.earliest("id"), reason="a slip", revoked_at=timezone.now())
    return study


def bundle_of(study: Study) -> bytes:
    target = io.BytesIO()
    write_bundle(study, target)
    return target.getvalue()


def contents(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def edited(bundle: bytes, path: Path, name: str, edit: Callable[[Any], Any]) -> Path:
    """As somebody would forge it: with the right hashes of wrong files."""
    with path.open("wb") as target, BundleWriter(target) as again:
        for known, content in contents(bundle).items():
            if known != MANIFEST:
                again.add(known, json.dumps(edit(json.loads(content))).encode() if known == name else content)
    return path


def test_it_proves_its_numbers(study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.zip"
    path.write_bytes(bundle_of(study))
    assert main([str(path)]) == 0
    first, files, design, numbers = capsys.readouterr().out.splitlines()
    assert first == f"one.zip: the study 'one', design '{study.design_hash}'."
    assert files.startswith("Its 13 files are as they were written: MANIFEST ")
    assert design == "Design, prompts, systems, images and exclusions are those that it names."
    assert numbers.endswith("values agree with the stored ones to the last digit.")
    assert main([str(path), "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_it_needs_no_database(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "one.zip"
    path.write_bytes(bundle_of(study))
    code = "import sys; from analysis.__main__ import main; print(main(sys.argv[1:]), 'django' in sys.modules)"
    command = [sys.executable, "-c", code, str(path), "--quiet"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("0 False\n", "")


def test_an_open_study_is_checked_with_what_holds_while_it_is_watched(tmp_path: Path) -> None:
    study, path = make_open_study(), tmp_path / "one.zip"
    cast_votes(study, raters=3, each=6)
    path.write_bytes(bundle_of(study))
    results = json.loads(contents(path.read_bytes())["results.json"])
    assert all("always_valid" in question for question in results["questions"].values())
    assert main([str(path), "--quiet"]) == 0


@pytest.mark.parametrize("is_voted", [True, False])
def test_a_study_whose_votes_do_not_count_has_a_bundle(is_voted: bool, tmp_path: Path) -> None:
    study, path = make_open_study(), tmp_path / "one.zip"
    if is_voted:
        cast_votes(study, raters=1, each=3)
        Exclusion.objects.create(session=RaterSession.objects.get(), reason="asked for it")
    path.write_bytes(bundle_of(study))
    assert main([str(path), "--quiet"]) == 0


def test_every_file_says_what_it_should(study: Study) -> None:
    files = contents(bundle_of(study))
    assert list(files) == [*NAMES, MANIFEST]
    votes = pd.read_parquet(io.BytesIO(files["votes.parquet"]))
    assert len(votes) == 24 and votes["excluded"].sum() == 6
    images = pd.read_parquet(io.BytesIO(files["images.parquet"]))
    assert len(images) == 12 and images["total_ms"].eq(12).all() and images["seed"].isin(range(7, 11)).all()
    assert json.loads(images["environment"][0]) == {"device": "cpu", "batch_size": 1}
    assert [(row["rule"], row["reason"]) for row in json.loads(files["exclusions.json"])] == [
        ("too_fast", "asked for it"),
        ("", "a slip"),
    ]
    assert json.loads(files["design.json"]) == study.design
    assert json.loads(files["results.json"]) == snapshots.results(study)
    assert json.loads(files["results-with-excluded.json"]) == snapshots.results(study, with_excluded=True)
    assert json.loads(files["breakdowns.json"]) == snapshots.current(study, "breakdowns")["questions"]
    assert json.loads(files["bundle.json"])["versions"]["statistics"] == str(VERSION)
    assert files["study.toml"].decode().startswith('slug = "one"\n')


def test_the_same_study_makes_the_same_bytes(study: Study) -> None:
    assert bundle_of(study) == bundle_of(study)


def test_nobody_is_named(study: Study) -> None:
    Rater.objects.update(platform="prolific", worker_hash="")
    Rater.objects.filter(id=Rater.objects.earliest("id").id).update(worker_hash="5f" * 32)
    bundle = bundle_of(study)
    assert b"5f" * 32 not in bundle
    assert RaterSession.objects.earliest("id").completion_code.encode() not in bundle


@pytest.mark.parametrize(
    ("kind", "stored", "written"),
    [
        ("results", {"stored": True}, {"stored": True}),
        ("results-with-excluded", {"stored": True}, {"stored": True}),
        ("breakdowns", {"questions": {"stored": True}, "latency": {}}, {"stored": True}),
    ],
)
def test_stored_numbers_are_in_it_unless_they_are_of_other_votes(
    kind: str, stored: Any, written: Any, study: Study
) -> None:
    snapshots.current(study, kind)
    study.snapshots.filter(kind=kind).update(results=json.dumps(stored))
    assert json.loads(contents(bundle_of(study))[f"{kind}.json"]) == written
    cast_votes(study, raters=1, each=2, seed=9)
    assert "stored" not in json.loads(contents(bundle_of(study))[f"{kind}.json"])


def test_what_changes_while_it_is_written_is_written_anew(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    from analysis import bundle, exports

    excluded = iter([Vote.objects.latest("id"), None])

    def write(study: Study, path: Path) -> None:
        exports.write_votes_parquet(study, path)
        if vote := next(excluded):
            Exclusion.objects.create(vote=vote, reason="meanwhile")

    monkeypatch.setattr(bundle, "write_votes_parquet", write)
    files = contents(bundle_of(study))
    assert json.loads(files["exclusions.json"])[-1]["reason"] == "meanwhile"
    assert next(excluded, "written twice") == "written twice"


FORGERIES: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "another design": (
        "design.json",
        lambda design: design | {"seed": 8},
        "design.json does not have the design hash that bundle.json names.",
    ),
    "another prompt": (
        "prompts.json",
        lambda prompts: prompts | {"prompts": [prompts["prompts"][0] | {"text": "a cat"}, *prompts["prompts"][1:]]},
        "prompts.json does not hold the prompts of the design.",
    ),
    "other settings": (
        "systems.json",
        lambda systems: [systems[0] | {"spec": systems[0]["spec"] | {"steps": 5}}, *systems[1:]],
        "systems.json names fingerprints that its specifications do not have.",
    ),
    "a system less": (
        "systems.json",
        lambda systems: systems[1:],
        "systems.json does not hold the systems of the design.",
    ),
    "an exclusion less": (
        "exclusions.json",
        lambda exclusions: exclusions[1:],
        "6 votes of votes.parquet are excluded otherwise than exclusions.json says.",
    ),
}


@pytest.mark.parametrize(("name", "edit", "sentence"), FORGERIES.values(), ids=FORGERIES)
def test_a_forged_file_is_named(
    name: str,
    edit: Callable[[Any], Any],
    sentence: str,
    study: Study,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([str(edited(bundle_of(study), tmp_path / "one.zip", name, edit))]) == 1
    assert sentence in capsys.readouterr().out.splitlines()


def with_another_number(results: Any) -> Any:
    results["questions"]["quality"]["votes"] += 1
    results["questions"]["quality"]["systems"][0]["elo"] *= 1 + 1e-15
    return results


def test_a_number_that_differs_is_named(study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(edited(bundle_of(study), tmp_path / "one.zip", "results.json", with_another_number))]) == 1
    out = capsys.readouterr().out
    assert "2 of " in out and "differ from the stored ones:" in out
    assert "'results.questions.quality.votes': stored " in out
    assert "'results.questions.quality.systems[0].elo': stored " in out
    assert out.endswith("The code and its libraries are the same.\n")


@pytest.mark.parametrize(
    ("name", "edit", "place"),
    [
        ("results-with-excluded.json", with_another_number, "'results-with-excluded.questions.quality.votes'"),
        ("breakdowns.json", lambda found: found | {"quality": 1}, "'breakdowns.quality'"),
    ],
)
def test_so_is_one_that_is_not_of_the_leaderboards(
    name: str, edit: Callable[[Any], Any], place: str, study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(edited(bundle_of(study), tmp_path / "one.zip", name, edit))]) == 1
    assert f"{place}: stored " in capsys.readouterr().out


def test_other_versions_are_told_where_numbers_differ(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundle_of(study)
    here = code_versions() | {"numpy": "9.9"}
    monkeypatch.setattr(bundle_check, "code_versions", lambda: here)

    def rounded(results: Any) -> Any:
        results["questions"]["quality"]["systems"][0]["elo"] *= 1 + 1e-15
        return results

    for edit, meaning in ((rounded, "Only last digits differ, as"), (with_another_number, "Versions differ: numpy ")):
        assert main([str(edited(bundle, tmp_path / "one.zip", "results.json", edit))]) == 1
        last = capsys.readouterr().out.splitlines()[-1]
        assert last.startswith(meaning) and last.endswith("numpy 2.4.6 there, 9.9 here.")


MALFORMED: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "a later form": ("bundle.json", lambda about: about | {"format": 2}, "bundle.json: format is 2; allowed is 1."),
    "no object": ("bundle.json", lambda _: 7, "bundle.json: format is 7; allowed is 1."),
    "odd plans": (
        "bundle.json",
        lambda about: about | {"planned_votes": "many"},
        "bundle.json: planned_votes is 'many', which a bundle never says.",
    ),
    "odd exclusions": ("exclusions.json", lambda _: [{}], "exclusions.json: not a list of exclusions."),
    "odd prompts": (
        "prompts.json",
        lambda _: {},
        "design.json, prompts.json or systems.json is none: 'prompts'.",
    ),
}


@pytest.mark.parametrize(("name", "edit", "sentence"), MALFORMED.values(), ids=MALFORMED)
def test_what_cannot_be_is_refused(
    name: str,
    edit: Callable[[Any], Any],
    sentence: str,
    study: Study,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([str(edited(bundle_of(study), tmp_path / "one.zip", name, edit))]) == 2
    assert capsys.readouterr().err == f"{sentence}\n"


@pytest.mark.parametrize("content", [None, b"{", b"[" * 100_000], ids=["missing", "cut", "too deep"])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in READ_BY_NOBODY])
def test_missing_and_spoilt_files_are_refused(
    name: str, content: bytes | None, study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.zip"
    with path.open("wb") as target, BundleWriter(target) as again:
        for known, whole in contents(bundle_of(study)).items():
            if known not in {name, MANIFEST}:
                again.add(known, whole)
        if content is not None:
            again.add(name, content)
    assert main([str(path)]) == 2
    sentence = capsys.readouterr().err
    assert name in sentence and sentence.count("\n") == 1


def test_other_options_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "one.zip"), "--seed", "3", "--ties", "drop", "--quiet"]) == 2
    assert capsys.readouterr().err == (
        "one.zip: a bundle is checked as it is, without --ties and --seed; "
        "take its votes.parquet out for other numbers.\n"
    )


def test_a_missing_bundle_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "one.zip")]) == 2
    assert capsys.readouterr().err == "one.zip: cannot be read: No such file or directory.\n"


def test_a_bundle_is_known_by_its_content(study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "archive").write_bytes(bundle_of(study))
    assert main([str(tmp_path / "archive")]) == 0
    assert capsys.readouterr().out.startswith("archive: the study 'one', ")
