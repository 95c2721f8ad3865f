"""Which files were loaded: found by name, hashed once, the same wherever they lie."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from generation.backends import provenance
from generation.backends.provenance import Checkpoint

COMMIT = "c0ffee" * 6 + "c0ff"


def sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def write(folder: Path, *names: str) -> Path:
    """Each file holds its own name."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def write_pipeline(folder: Path, *names: str) -> Path:
    write(folder, *names)
    components = {"_class_name": "Some", "unet": ["diffusers", "UNet"], "tokenizer": ["transformers", "Tokenizer"]}
    (folder / "model_index.json").write_text(json.dumps(components))
    return folder


def files_of(folder: Path, variant: str | None = None) -> list[str]:
    return list(provenance.of_folder("./model", folder, variant).files)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read from now on."""
    read: list[str] = []
    real: Callable[..., Any] = hashlib.file_digest

    def watched(file: Any, kind: str) -> Any:
        read.append(Path(file.name).name)
        return real(file, kind)

    monkeypatch.setattr(hashlib, "file_digest", watched)
    return read


def test_a_folder_has_the_hash_of_each_file(tmp_path: Path) -> None:
    write(tmp_path, "config.json", "model.safetensors", ".cache/lock", ".gitattributes", "text/merges.txt")
    checkpoint = provenance.of_folder("./model", tmp_path)
    names = ["config.json", "model.safetensors", "text/merges.txt"]
    assert checkpoint == Checkpoint("./model", None, {name: sha256(name) for name in names})
    canonical = json.dumps({"files": checkpoint.files, "revision": None}, separators=(",", ":"))
    assert checkpoint.digest == sha256(canonical)


def test_a_changed_byte_changes_the_digest_and_the_place_does_not(tmp_path: Path) -> None:
    here, there = write(tmp_path / "here", "config.json", "x.safetensors"), tmp_path / "there"
    first = provenance.of_folder("./here", here)
    here.rename(there)
    assert provenance.of_folder("/there", there).digest == first.digest
    (there / "x.safetensors").write_text("y.safetensors")
    assert provenance.of_folder("/there", there).digest != first.digest


def test_the_commit_is_part_of_the_digest() -> None:
    assert Checkpoint("org/name", COMMIT).digest != Checkpoint("org/name").digest


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path, reads: list[str]) -> None:
    write(tmp_path, "config.json", "model.safetensors")
    first = provenance.of_folder("./model", tmp_path)
    assert sorted(reads) == ["config.json", "model.safetensors"]
    assert provenance.of_folder("./model", tmp_path) == first
    assert len(reads) == 2
    facts = (tmp_path / "config.json").stat()
    os.utime(tmp_path / "config.json", ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    assert provenance.of_folder("./model", tmp_path) == first
    assert reads[2:] == ["config.json"]


def test_weights_of_the_variant_only(tmp_path: Path) -> None:
    fp16 = ["a.fp16-00001-of-00002.safetensors", "a.fp16-00002-of-00002.safetensors"]
    plain = ["a-00001-of-00002.safetensors", "a-00002-of-00002.safetensors"]
    write(tmp_path, "config.json", "a.bin", "a.onnx", *fp16, *plain, "b/x.fp16.safetensors", "b/x.safetensors")
    write(tmp_path, "vae/x.safetensors")
    assert files_of(tmp_path, "fp16") == sorted(["config.json", *fp16, "b/x.fp16.safetensors", "vae/x.safetensors"])
    assert files_of(tmp_path) == sorted(["config.json", *plain, "b/x.safetensors", "vae/x.safetensors"])
    assert files_of(tmp_path, "bf16") == files_of(tmp_path)


def test_weights_named_in_a_way_of_their_own_all_count(tmp_path: Path) -> None:
    names = ["network.pkl", "sd_xl_1.0.safetensors", "spiece.model", "weights.pt"]
    assert files_of(write(tmp_path, *names)) == names


def test_of_a_pipeline_only_what_its_index_lists(tmp_path: Path) -> None:
    write_pipeline(tmp_path, "whole.safetensors", "unet/x.safetensors", "unet/config.json", "tokenizer/merges.txt")
    write(tmp_path, "vae_1_0/x.safetensors", "README.md")
    assert files_of(tmp_path) == [
        "model_index.json", "tokenizer/merges.txt", "unet/config.json", "unet/x.safetensors",
    ]  # fmt: skip


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot in the hub's local cache: large files are links to blobs that have their hash as their name."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--org--name"
    write(repository, "refs/main")
    (repository / "refs/main").write_text(COMMIT)
    snapshot = write_pipeline(repository / "snapshots" / COMMIT, "unet/config.json")
    write(repository / "blobs", "a" * 64)
    (snapshot / "unet/x.fp16.safetensors").symlink_to(f"../../../blobs/{'a' * 64}")
    return snapshot


@pytest.mark.parametrize("revision", [None, "main", COMMIT])
def test_of_a_hub_id_the_snapshot_in_the_cache(cached: Path, reads: list[str], revision: str | None) -> None:
    checkpoint = provenance.of_hub("org/name", revision, "fp16")
    assert (checkpoint.location, checkpoint.revision) == ("org/name", COMMIT)
    assert list(checkpoint.files) == ["model_index.json", "unet/config.json", "unet/x.fp16.safetensors"]
    assert checkpoint.files["unet/x.fp16.safetensors"] == "a" * 64
    assert sorted(reads) == ["config.json", "model_index.json"]


def test_a_single_model_has_no_index(cached: Path) -> None:
    (cached / "model_index.json").rename(cached / "config.json")
    assert provenance.of_hub("org/name").revision == COMMIT


@pytest.mark.parametrize(("location", "revision"), [("org/other", None), ("org/name", "f" * 40)])
def test_a_snapshot_that_is_not_there(cached: Path, location: str, revision: str | None) -> None:
    assert provenance.of_hub(location, revision) == Checkpoint(location)


def test_of_a_prior_the_snapshot_of_the_repository_that_the_card_names(cached: Path) -> None:
    (cached / "README.md").write_text("---\nprior:\n- org/prior\n---\n# A decoder\n")
    prior = cached.parents[2] / "models--org--prior"
    write(prior, "refs/main")
    (prior / "refs/main").write_text("d" * 40)
    write_pipeline(prior / "snapshots" / ("d" * 40), "unet/x.safetensors")
    found = provenance.of_prior("org/name")
    assert found is not None
    assert (found.location, found.revision) == ("org/prior", "d" * 40)
    assert list(found.files) == ["model_index.json", "unet/x.safetensors"]


@pytest.mark.parametrize("card", [None, "", "# A decoder\n", "---\nlicense: mit\n---\n"])
def test_a_card_that_names_no_prior(tmp_path: Path, card: str | None) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert provenance.of_prior(tmp_path) is None
