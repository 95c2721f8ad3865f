"""A worker process may end at any moment: every image is still made, once."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.generation.sites import (
    PROMPTS,
    QUICK,
    SLOW,
    assert_every_image_exists_once,
    copy_of,
    everything_is_done,
    is_making,
    prepare,
    states,
)
from tests.processes import Site, wait_for

pytestmark = pytest.mark.timeout(300)
IMAGES = 2 * len(PROMPTS)
LEASE_SECONDS = "2"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, checkpoints: Path) -> Path:
    return prepare(tmp_path_factory.mktemp("prepared"), checkpoints, QUICK, SLOW)


@pytest.fixture
def site(prepared: Path, tmp_path: Path) -> Site:
    return copy_of(prepared, tmp_path / "site", JOB_LEASE_SECONDS=LEASE_SECONDS)


def test_a_worker_killed_in_mid_generation_costs_one_attempt_and_no_image(site: Site) -> None:
    with site.broker():
        with site.worker() as worker:
            wait_for(lambda: is_making(site, "slow@40"), "an image in the making")
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


def test_a_worker_killed_in_mid_batch_costs_its_images_one_attempt(prepared: Path, tmp_path: Path) -> None:
    site = copy_of(prepared, tmp_path / "site", JOB_LEASE_SECONDS=LEASE_SECONDS, GENERATION_BATCH_SIZE="3")
    with site.broker():
        with site.worker() as worker:
            wait_for(lambda: is_making(site, "slow@40", images=3), "a batch in the making")
            worker.kill()
            worker.wait()
        with site.worker():
            wait_for(lambda: everything_is_done(site), "all images")
    assert_every_image_exists_once(site)
    attempts = site.rows("SELECT attempts FROM generation_imagejob ORDER BY attempts")
    assert attempts == [(1,)] * (IMAGES - 3) + [(2,)] * 3
    batches = site.rows("SELECT json_extract(environment, '$.batch_size') FROM generation_image ORDER BY id")
    assert sorted(batches) == [(1,)] * 5 + [(3,)] * 3, "three quick ones together, and the killed ones each alone"


def test_a_worker_told_to_stop_finishes_its_image_and_leaves_none_running(site: Site) -> None:
    with site.broker(), site.worker() as worker:
        wait_for(lambda: is_making(site, "slow@40"), "an image in the making")
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
        ended = site.try_python("manage.py", "generate", "faults", "--wait")
        assert ended.returncode == 1
        assert f"{len(PROMPTS)} images failed" in ended.stderr
        assert "Traceback" not in ended.stderr
        assert states(site) == {"done": len(PROMPTS), "failed": len(PROMPTS)}
        errors = site.rows("SELECT DISTINCT error FROM generation_imagejob WHERE state = 'failed'")
        assert len(errors) == 1
        (sentence,) = errors[0]
        assert sentence.startswith("slow@40: model is './checkpoints/tiny-sdxl', but ")
        assert "diffusion_pytorch_model.fp16.safetensors is damaged or incomplete" in sentence
        assert "\n" not in sentence

        weights.write_bytes(whole)
        site.manage("generate", "faults", "--retry", "--wait")
    assert_every_image_exists_once(site)


def test_a_broker_that_forgets_everything_loses_no_image(site: Site) -> None:
    with site.worker():
        with site.broker() as broker:
            wait_for(lambda: is_making(site, "slow@40"), "an image in the making")
            broker.kill()
            broker.wait()
        shutil.rmtree(site.folder / "broker")
        with site.broker():
            wait_for(lambda: everything_is_done(site), "all images")
    assert_every_image_exists_once(site)


def test_a_broker_killed_and_started_again_with_its_data_loses_no_image(site: Site) -> None:
    with site.worker() as worker:
        with site.broker() as broker:
            wait_for(lambda: is_making(site, "slow@40"), "an image in the making")
            broker.kill()
            broker.wait()
        assert states(site).get("queued")
        with site.broker():
            wait_for(lambda: everything_is_done(site), "all images")
            assert worker.poll() is None
    assert_every_image_exists_once(site)
    assert site.rows("SELECT DISTINCT attempts FROM generation_imagejob") == [(1,)]


def test_without_a_broker_the_jobs_wait_and_the_command_says_so(site: Site) -> None:
    ended = site.try_python("manage.py", "generate", "faults", "--wait")
    assert ended.returncode == 1
    assert ended.stderr.startswith("CommandError: The images are queued, but no broker answers: start a worker")
    assert "Traceback" not in ended.stderr
    assert states(site) == {"queued": IMAGES}
