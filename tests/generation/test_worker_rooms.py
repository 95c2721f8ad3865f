"""A worker with room for one model, and one whose disk fills up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.worker import COMMAND as WORKER
from tests.generation.sites import (
    QUICK,
    SYSTEM,
    assert_every_image_exists_once,
    copy_of,
    everything_is_done,
    prepare,
    states,
)
from tests.processes import Site, wait_for

pytestmark = pytest.mark.timeout(300)
OTHERS = [
    SYSTEM.format(catalogue="sdxl-turbo", name="quick", steps=2, model="tiny-sdxl-turbo", more=""),
    SYSTEM.format(catalogue="sdxl-turbo", name="plain", steps=1, model="tiny-sdxl", more=""),
    SYSTEM.format(
        catalogue="sdxl-turbo",
        name="swapped",
        steps=1,
        model="tiny-sdxl",
        more='vae = "./checkpoints/tiny-sdxl-turbo/vae"',
    ),
    SYSTEM.format(
        catalogue="lcm-xl",
        name="lcm",
        steps=2,
        model="tiny-sdxl",
        more='unet = "./checkpoints/tiny-lcm-unet"\nvae = "./checkpoints/tiny-sdxl/vae"',
    ),
]
SEND_INTERLEAVED = """
import django
django.setup()
from celery import current_app
from generation.models import ImageJob
for system, job in ImageJob.objects.order_by("prompt_id", "system_id").values_list("system_id", "id"):
    current_app.send_task("generation.generate_images", args=[system, [job]], priority=9)
"""


def test_systems_asked_for_in_turns_load_each_model_once(tmp_path: Path, checkpoints: Path) -> None:
    """Five systems of four models, an image a message, and memory for no two models."""
    site = copy_of(prepare(tmp_path / "prepared", checkpoints, QUICK, *OTHERS), tmp_path / "site", MODEL_MEMORY_MB="1")
    with site.broker():
        site.python(
            "-c", "import redis, sys; redis.Redis(unix_socket_path=sys.argv[1]).flushall()", site.folder / "broker.sock"
        )
        site.python("-c", "import evalsite.celery\n" + SEND_INTERLEAVED)
        with site.worker():
            wait_for(lambda: everything_is_done(site), "all images")
    assert_every_image_exists_once(site)
    loaded = re.findall(r"Loaded ([a-z]+)@", site.log("worker"))
    assert sorted(loaded) == ["lcm", "plain", "quick", "swapped"]
    assert site.log("worker").count("Letting go of") == 3


@contextmanager
def worker_on_small_disk(site: Site, free_kb: int) -> Iterator[tuple[Path, Path]]:
    """A worker that sees a disk of its own where images go, with a file that leaves it this much room.

    Gives the root of what the worker sees, and the file.
    """
    images = site.folder / "images"
    images.mkdir(exist_ok=True)
    fill = (
        f"mount -t tmpfs -o size=4m tmpfs {images} && "
        f"dd if=/dev/zero of={images}/filler bs=1k count={4096 - free_kb} status=none && exec "
    )
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", fill + " ".join(WORKER)]
    with site.process("worker", command) as running:
        root = Path(f"/proc/{running.pid}/root")
        filler = root / images.relative_to("/") / "filler"
        wait_for(filler.exists, "the small disk")
        yield root, filler


@pytest.mark.parametrize(
    ("reserve_mb", "free_kb", "sentence"),
    [
        ("0", 12, "There is no room for images in {images}: No space left on device."),
        ("2", 1024, "There are 1 MB left on the disk of {images}, and no images are made with less than 2 "),
    ],
)
def test_a_full_disk_costs_no_image(
    tmp_path: Path, checkpoints: Path, reserve_mb: str, free_kb: int, sentence: str
) -> None:
    site = copy_of(
        prepare(tmp_path / "prepared", checkpoints, QUICK, OTHERS[0]), tmp_path / "site", DISK_RESERVE_MB=reserve_mb
    )
    waiting = "SELECT DISTINCT error FROM generation_imagejob WHERE state = 'queued' AND error != ''"
    with site.broker(), worker_on_small_disk(site, free_kb) as (root, filler):
        wait_for(lambda: site.rows(waiting), "an image without room")
        wait_for(lambda: "queued" not in states(site) or site.rows(waiting), "every image to be tried")
        ((error,),) = site.rows(waiting)
        assert error.startswith(sentence.format(images=site.folder / "images"))
        assert site.rows("SELECT count(*) FROM generation_image") == [(states(site).get("done", 0),)]
        filler.unlink()
        wait_for(lambda: everything_is_done(site), "all images")
        assert_every_image_exists_once(site, root)
