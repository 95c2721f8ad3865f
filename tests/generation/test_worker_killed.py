"""A worker process may end at any moment: every image is still made, once."""

from __future__ import annotations

import hashlib
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.processes import Site, wait_for

pytestmark = pytest.mark.timeout(300)
STUDY = """
slug = "fast-and-slow"
prompt_set = "four"
seed = 7

[rating]
votes_wanted = 1

[display]
size = 64

[[questions]]
key = "quality"
wording = "Which picture is better?"

[[systems]]
catalogue = "sdxl-turbo"
name = "quick"
steps = 1
model = "./checkpoints/tiny-sdxl-turbo"
width = 64
height = 64
dtype = "float32"

[[systems]]
catalogue = "sdxl"
name = "slow"
steps = 40
model = "./checkpoints/tiny-sdxl"
vae = "./checkpoints/tiny-sdxl/vae"
width = 64
height = 64
dtype = "float32"
"""
PROMPTS = ["a red cube", "a blue cube", "two cats", "a lighthouse"]
IMAGES = 2 * len(PROMPTS)
LEASE_SECONDS = 2


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, checkpoints: Path) -> Path:
    """The folder of a site with an open study whose images are all wanted and none is made."""
    site = Site(tmp_path_factory.mktemp("prepared"))
    shutil.copytree(checkpoints, site.folder / "checkpoints")
    (site.folder / "prompts.txt").write_text("\n".join(PROMPTS))
    (site.folder / "study.toml").write_text(STUDY)
    site.manage("migrate", "--no-input")
    site.manage("import_prompts", site.folder / "prompts.txt", "--set", "four")
    site.manage("create_study", site.folder / "study.toml")
    site.manage("open_study", "fast-and-slow")
    with site.broker():
        site.manage("generate", "fast-and-slow")
    return site.folder


@pytest.fixture
def site(prepared: Path, tmp_path: Path) -> Site:
    """A site of the test's own, with every message in its broker."""
    folder = tmp_path / "site"
    shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns("*.sock"))
    return Site(folder, {"JOB_LEASE_SECONDS": str(LEASE_SECONDS)})


def states(site: Site) -> dict[str, int]:
    return dict(site.rows("SELECT state, count(*) FROM generation_imagejob GROUP BY state"))


def is_in_mid_generation(site: Site) -> bool:
    """Some images are made, one of the slow ones is being made."""
    running = site.rows(
        "SELECT 1 FROM generation_imagejob job JOIN generation_system system ON system.id = job.system_id "
        "WHERE state = 'running' AND system.slug = 'slow@40'"
    )
    return bool(running) and states(site).get("done", 0) >= 2


def everything_is_done(site: Site) -> bool:
    return states(site) == {"done": IMAGES}


def assert_every_image_exists_once(site: Site) -> None:
    assert states(site) == {"done": IMAGES}
    images = site.rows("SELECT job_id, sha256 FROM generation_image")
    assert len(images) == len({job for job, _ in images}) == IMAGES
    files = list((site.folder / "images" / "originals").rglob("*.png"))
    assert sorted(path.stem for path in files) == sorted({sha256 for _, sha256 in images})
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    for _, sha256 in images:
        assert (site.folder / "images" / "display" / "64" / sha256[:2] / f"{sha256}.webp").exists()


def test_a_worker_killed_in_mid_generation_costs_one_attempt_and_no_image(site: Site) -> None:
    with site.broker():
        with site.worker() as worker:
            wait_for(lambda: is_in_mid_generation(site), "an image in the making")
            worker.kill()
            worker.wait()
        assert states(site)["running"] == 1
        made_before = dict(site.rows("SELECT job_id, public_id FROM generation_image"))
        with site.worker():
            wait_for(lambda: everything_is_done(site), "all images")
    assert_every_image_exists_once(site)
    assert made_before.items() <= dict(site.rows("SELECT job_id, public_id FROM generation_image")).items()
    attempts = [attempts for (attempts,) in site.rows("SELECT attempts FROM generation_imagejob ORDER BY attempts")]
    assert attempts == [1] * (IMAGES - 1) + [2]


def test_a_worker_told_to_stop_finishes_its_image_and_leaves_none_running(site: Site) -> None:
    with site.broker(), site.worker() as worker:
        wait_for(lambda: is_in_mid_generation(site), "an image in the making")
        worker.send_signal(signal.SIGTERM)
        start = time.monotonic()
        assert worker.wait(30) == 0
        assert time.monotonic() - start < 15
    left = states(site)
    assert left.keys() == {"done", "queued"}, "it left an image running, or went on with the next instead of stopping"
    assert site.rows("SELECT count(*) FROM generation_image") == [(left["done"],)]
    assert site.rows("SELECT max(attempts) FROM generation_imagejob") == [(1,)]


def test_a_damaged_model_fails_its_jobs_with_a_sentence_and_a_retry_makes_them(site: Site) -> None:
    weights = site.folder / "checkpoints" / "tiny-sdxl" / "unet" / "diffusion_pytorch_model.fp16.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with site.broker(), site.worker():
        ended = site.try_python("manage.py", "generate", "fast-and-slow", "--wait")
        assert ended.returncode == 1
        assert f"{len(PROMPTS)} images failed" in ended.stderr
        assert "Traceback" not in ended.stderr
        assert states(site) == {"done": len(PROMPTS), "failed": len(PROMPTS)}
        errors = site.rows("SELECT DISTINCT error FROM generation_imagejob WHERE state = 'failed'")
        assert len(errors) == 1
        (sentence,) = errors[0]
        assert sentence.startswith("slow@40: model is './checkpoints/tiny-sdxl', but ")
        assert "cannot be loaded" in sentence
        assert "\n" not in sentence

        weights.write_bytes(whole)
        site.manage("generate", "fast-and-slow", "--retry", "--wait")
    assert_every_image_exists_once(site)


def test_a_broker_that_forgets_everything_loses_no_image(site: Site) -> None:
    with site.worker():
        with site.broker() as broker:
            wait_for(lambda: is_in_mid_generation(site), "an image in the making")
            broker.kill()
            broker.wait()
        shutil.rmtree(site.folder / "broker")
        with site.broker():
            wait_for(lambda: everything_is_done(site), "all images")
    assert_every_image_exists_once(site)


def test_without_a_broker_the_jobs_wait_and_the_command_says_so(site: Site) -> None:
    ended = site.try_python("manage.py", "generate", "fast-and-slow", "--wait")
    assert ended.returncode == 1
    assert ended.stderr.startswith("CommandError: The jobs are queued, but no broker answers (")
    assert "Traceback" not in ended.stderr
    assert states(site) == {"queued": IMAGES}
