"""A site on disk with an open study, whose images are all wanted and none is made."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tests.processes import Site

HEAD = """
slug = "faults"
prompt_set = "four"
seed = 7

[rating]
votes_wanted = 1

[display]
size = 64

[[questions]]
key = "quality"
wording = "Which picture is better?"
"""
SYSTEM = """
[[systems]]
catalogue = "{catalogue}"
name = "{name}"
steps = {steps}
model = "./checkpoints/{model}"
{more}
width = 64
height = 64
dtype = "float32"
"""
QUICK = SYSTEM.format(catalogue="sdxl-turbo", name="quick", steps=1, model="tiny-sdxl-turbo", more="")
SLOW = SYSTEM.format(
    catalogue="sdxl", name="slow", steps=40, model="tiny-sdxl", more='vae = "./checkpoints/tiny-sdxl/vae"'
)
PROMPTS = ["a red cube", "a blue cube", "two cats", "a lighthouse"]


def prepare(folder: Path, checkpoints: Path, *systems: str) -> Path:
    site = Site(folder)
    shutil.copytree(checkpoints, folder / "checkpoints")
    (folder / "prompts.txt").write_text("\n".join(PROMPTS))
    (folder / "study.toml").write_text(HEAD + "".join(systems))
    site.manage("migrate", "--no-input")
    site.manage("import_prompts", folder / "prompts.txt", "--set", "four")
    site.manage("create_study", folder / "study.toml")
    site.manage("open_study", "faults")
    with site.broker():
        site.manage("generate", "faults")
    return folder


def copy_of(prepared: Path, folder: Path, **settings: str) -> Site:
    """A site of the test's own, with every message in its broker."""
    shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns("*.sock"))
    return Site(folder, settings)


def states(site: Site) -> dict[str, int]:
    return dict(site.rows("SELECT state, count(*) FROM generation_imagejob GROUP BY state"))


def is_making(site: Site, system: str, images: int = 1) -> bool:
    """So many images of this system are being made, and others are there."""
    running = site.rows(
        "SELECT count(*) FROM generation_imagejob job JOIN generation_system system ON system.id = job.system_id "
        "WHERE state = 'running' AND system.slug = ?",
        system,
    )
    return running == [(images,)] and states(site).get("done", 0) >= 2


def everything_is_done(site: Site) -> bool:
    return states(site).keys() == {"done"}


def assert_every_image_exists_once(site: Site, root: Path = Path("/")) -> None:
    """In the table and as a file, seen from `root` where the worker has a file system of its own."""
    wanted = states(site)["done"]
    assert states(site) == {"done": wanted}
    images = site.rows("SELECT job_id, sha256 FROM generation_image")
    assert len(images) == len({job for job, _ in images}) == wanted
    folder = root / site.folder.relative_to("/") / "images"
    files = list((folder / "originals").rglob("*.png"))
    assert sorted(path.stem for path in files) == sorted({sha256 for _, sha256 in images})
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
    for _, sha256 in images:
        assert (folder / "display" / "64" / sha256[:2] / f"{sha256}.webp").exists()
    assert not list(folder.rglob(".writing-*"))
