"""Images made elsewhere: all of a manifest or none, and nothing that tells raters who made them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import IntegrityError, transaction
from PIL import Image as PillowImage
from pytest_django import Settings

from analysis.latency import median_latency
from analysis.reporting.html import html
from comparisons import studies
from comparisons.models import Study
from comparisons.studies import image_jobs, open_study
from generation import jobs, storage
from generation.manifest import ManifestError
from generation.models import Image, ImageJob
from people import audit
from people.models import AuditEntry
from tests.analysis.reported import report_of
from tests.comparisons.browsing import Browser, at_once
from tests.comparisons.manifests import ROWS, SYSTEMS, make_manifest, make_waiting_study, refusal, write
from tests.comparisons.test_blindness import tell_tale
from tests.factories import make_draft, make_image, make_system_spec
from tests.generation.painter import paint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def originals(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "stored"
    return tmp_path / "stored" / "originals"


@pytest.fixture
def study() -> Study:
    return make_waiting_study()


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return make_manifest(tmp_path)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> list[str]:
        call_command(*map(str, arguments))
        return capsys.readouterr().out.splitlines()

    return run


def test_images_are_imported_and_can_be_judged(run: Any, study: Study, manifest: Path) -> None:
    jobs.request([(study.systems.get(slug="alpha@4"), p, 7 + p.position) for p in study.prompt_set.prompts.all()], 64)
    for job in image_jobs(study):
        make_image(job)
    assert run("import_images", "colours", manifest) == [
        "2 images imported, 0 were there already; 4 comparisons are ready to be judged."
    ]
    image = Image.objects.imported().get(job__prompt__position=1)
    assert (image.job.state, image.job.seed, image.job.attempts) == ("done", 8, 0)
    assert (image.width, image.height) == (64, 64)
    assert image.environment == {
        "imported": True,
        "manifest": "manifest.csv",
        "file": "boats/1.png",
        "file_sha256": hashlib.sha256((manifest.parent / "boats/1.png").read_bytes()).hexdigest(),
        "format": "PNG",
        "seed": None,
    }
    provenance = image.provenance()
    assert (provenance["system"], provenance["seed"]) == ("outside@1", None)
    assert set(provenance["timings"].values()) == {None}, "unknown, and not 0"
    with default_storage.open(storage.original_name(image.sha256)) as handle:
        assert PillowImage.open(handle).getpixel((0, 0)) == (10, 10, 200)
    assert Browser(study).consent().judge()


def test_prompts_by_place_and_what_else_is_known(run: Any, study: Study, manifest: Path) -> None:
    rows = [["outside@1", "1", "fox.png", "18446744073709551615", "207.5"], ["outside@1", "0", "boats/1.png", "", ""]]
    columns = ["System", " prompt_id ", "path", "seed", "latency_ms"]
    write(manifest, [*rows, ["", "", "", "", ""]], columns)
    assert run("import_images", "colours", manifest)[0].startswith("2 images imported, 0 were there already; ")
    known, unknown = Image.objects.order_by("-job__prompt__position")
    assert (known.total_ms, known.encode_ms, known.forward_ms) == (207.5, None, None)
    assert known.provenance()["seed"] == 18446744073709551615
    assert (unknown.total_ms, unknown.provenance()["seed"]) == (None, None)
    assert {system: time["median_ms"] for system, time in median_latency(study).items()} == {"outside@1": 207.5}


def test_images_without_times_have_none_in_results(run: Any, study: Study, manifest: Path) -> None:
    run("import_images", "colours", manifest)
    assert median_latency(study) == {}
    report = html(report_of(study))
    assert "Images of outside@1 were made elsewhere and imported" in report
    assert "A model of others, version 6" in report
    assert "made elsewhere" in report


def test_a_second_run_does_nothing(run: Any, study: Study, manifest: Path, originals: Path) -> None:
    run("import_images", "colours", manifest)
    before = list(Image.objects.values()), list(ImageJob.objects.values())
    files = sorted(originals.rglob("*"))
    again = ["0 images imported, 2 were there already; 0 comparisons are ready to be judged."]
    assert run("import_images", "colours", manifest) == again
    with PillowImage.open(manifest.parent / "fox.png") as fox:
        fox.save(manifest.parent / "fox.webp", lossless=True)
    write(manifest, [["outside@1", "a red fox", "fox.webp"], ROWS[1]])
    assert run("import_images", "colours", manifest) == again, "the same pixels in another file"
    assert (list(Image.objects.values()), list(ImageJob.objects.values())) == before
    assert sorted(originals.rglob("*")) == files


def test_what_is_new_is_noted_and_what_cannot_be_noted_is_not_stored(run: Any, study: Study, manifest: Path) -> None:
    with pytest.raises(IntegrityError, match="audit_entry_names_one_actor"), transaction.atomic():
        studies.import_images(study, manifest)
    assert not Image.objects.exists()
    for _ in range(2):
        run("import_images", "colours", manifest)
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.by, entry.details) == (
        "imported",
        audit.shell_user(),
        {"images": 2, "manifest": "manifest.csv"},
    )


def test_what_is_missing_is_added(run: Any, study: Study, manifest: Path) -> None:
    write(manifest, ROWS[:1])
    run("import_images", "colours", manifest)
    write(manifest, ROWS)
    assert run("import_images", "colours", manifest)[0].startswith("1 images imported, 1 were there already; ")


def test_a_system_whose_backend_does_not_exist_yet(run: Any, manifest: Path) -> None:
    study = make_draft(["a red fox", "boats, two"], systems=(SYSTEMS[0], make_system_spec("later", backend="muse")))
    open_study(study)
    write(manifest, [["later@4", *row[1:]] for row in ROWS])
    assert run("import_images", study.slug, manifest)[0].startswith("2 images imported")
    assert run("generate", study.slug)[0] == "2 new, 0 to try again, 4 in all."


def test_generate_says_which_images_come_by_import(run: Any, study: Study, manifest: Path) -> None:
    assert run("generate", "colours")[:2] == [
        "2 new, 0 to try again, 2 in all.",
        "outside@1 is made elsewhere: bring its images with manage.py import_images colours manifest.csv.",
    ]
    run("import_images", "colours", manifest)
    assert run("generate", "colours") == [
        "0 new, 0 to try again, 4 in all.",
        "The worker makes them now, and pairs can be judged as they come.",
    ]


def test_a_queued_or_failed_job_gets_the_image(run: Any, study: Study, manifest: Path) -> None:
    alpha = study.systems.get(slug="alpha@4")
    jobs.request([(alpha, prompt, 7 + prompt.position) for prompt in study.prompt_set.prompts.all()], 64)
    failed = image_jobs(study).earliest("id")
    assert jobs.fail(jobs.claim(alpha.id, [failed.id], limit=1)[1][0], "model './alpha' is no folder")
    write(manifest, [["alpha@4", *row[1:]] for row in ROWS])
    run("import_images", "colours", manifest)
    assert set(image_jobs(study).values_list("state", "error")) == {("done", "")}
    assert jobs.claim(alpha.id, list(image_jobs(study).values_list("id", flat=True)), limit=9)[1] == []


def test_raters_get_nothing_but_pixels(run: Any, manifest: Path, originals: Path) -> None:
    study = make_draft(["a red fox"], systems=SYSTEMS, slug="colours")
    open_study(study)
    for name, number in (("fox.png", 1), ("other.png", 2)):
        picture = tell_tale(number, (64, 64))
        picture.save(manifest.parent / name, exif=picture.getexif(), icc_profile=picture.info["icc_profile"])
        assert b"sdxl-turbo" in (manifest.parent / name).read_bytes()
    write(manifest, [ROWS[0], ["alpha@4", "a red fox", "other.png"]])
    run("import_images", "colours", manifest)
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    sent = [browser.get(payload[side]).getvalue() for side in ("left", "right")]
    sent += [file.read_bytes() for file in originals.rglob("*.png")]
    assert len(sent) == 4
    assert not any(name in content for content in sent for name in (b"sdxl", b"EXIF", b"ICC", b"fox.png"))


def test_a_photograph_on_its_side_is_turned(run: Any, study: Study, manifest: Path) -> None:
    picture = PillowImage.new("RGB", (64, 64), (255, 255, 255))
    picture.paste((0, 0, 0), (0, 0, 64, 32))
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # viewers turn it to the right: its black upper half is shown on the right
    picture.save(manifest.parent / "fox.png", exif=exif)
    run("import_images", "colours", manifest)
    fox = Image.objects.get(job__prompt__position=0)
    with storage.open_display(fox.sha256, 64) as handle, PillowImage.open(handle) as shown:
        assert (shown.getpixel((2, 2)), shown.getpixel((61, 2))) == ((255, 255, 255), (0, 0, 0))


@pytest.mark.usefixtures("study")
def test_an_image_never_changes(run: Any, manifest: Path) -> None:
    run("import_images", "colours", manifest)
    PillowImage.new("RGB", (64, 64), (1, 2, 3)).save(manifest.parent / "fox.png")
    assert refusal("colours", manifest) == [
        "manifest.csv: nothing was imported, 1 problem:",
        "  row 2: path is 'fox.png', but outside@1, prompt 0 has another image already; an image never changes",
    ]


# Workers at the same moment


@pytest.fixture
def wanted(study: Study, manifest: Path) -> list[ImageJob]:
    """The jobs of the manifest's images, queued for a worker too."""
    alpha = study.systems.get(slug="alpha@4")
    jobs.request([(alpha, prompt, 7 + prompt.position) for prompt in study.prompt_set.prompts.all()], 64)
    write(manifest, [["alpha@4", *row[1:]] for row in ROWS])
    return list(image_jobs(study).order_by("id"))


def test_an_image_that_a_worker_is_making(manifest: Path, wanted: list[ImageJob]) -> None:
    _, (claimed,) = jobs.claim(wanted[1].system_id, [wanted[1].id], limit=1)
    assert refusal("colours", manifest)[1:] == [
        "  row 3: a worker is making the image of alpha@4, prompt 1 now; wait for it, or stop the worker"
    ]
    assert jobs.finish(claimed, paint(1))


def test_a_worker_that_comes_between_check_and_import_wins(
    study: Study, manifest: Path, wanted: list[ImageJob]
) -> None:
    def claim_meanwhile(entries: Iterable[Any]) -> Iterator[Any]:
        yield from entries
        jobs.claim(wanted[1].system_id, [wanted[1].id], limit=1)

    with pytest.raises(ManifestError) as refused:
        studies.import_images(study, manifest, claim_meanwhile, by="a test")
    assert str(refused.value) == (
        "manifest.csv: nothing was imported, because one of these images was begun or finished by others meanwhile; "
        "run this again to see which."
    )
    assert list(image_jobs(study).order_by("id").values_list("state", flat=True)) == ["queued", "running"]
    assert not Image.objects.exists()


def test_a_picture_that_changes_between_check_and_import(study: Study, manifest: Path) -> None:
    def lose_meanwhile(entries: Iterable[Any]) -> Iterator[Any]:
        (manifest.parent / "boats" / "1.png").unlink()
        yield from entries

    with pytest.raises(ManifestError, match=r"row 3: path is 'boats/1\.png'; there is no such file"):
        studies.import_images(study, manifest, lose_meanwhile, by="a test")
    assert not ImageJob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_workers_and_imports_at_one_moment_make_one_image_each(
    study: Study, manifest: Path, wanted: list[ImageJob]
) -> None:
    ids = [job.id for job in wanted]

    def work() -> str:
        _, claimed = jobs.claim(wanted[0].system_id, ids, limit=1)
        return "worker" if all(jobs.finish(job, paint(job.id)) for job in claimed) and claimed else "nothing"

    def bring() -> str:
        try:
            return f"import {studies.import_images(study, manifest, by='a test')[0]}"
        except ManifestError:
            return "refused"

    did = at_once([bring, work, bring, work, bring])
    assert Image.objects.imported().count() == (2 if "import 2" in did else 0), "all of a manifest or none"
    assert Image.objects.count() == Image.objects.imported().count() + did.count("worker")
    assert did.count("import 2") <= 1
    assert image_jobs(study).filter(state="done").count() == Image.objects.count()
    assert not image_jobs(study).exclude(state__in=["done", "queued"]).exists()
