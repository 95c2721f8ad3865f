"""python -m toyzoo.train: what a training needs of another one is found, or named where it is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from toyzoo import train


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(train, "WEIGHTS", tmp_path / "weights")
    return tmp_path / "weights"


def test_what_was_trained_here_comes_before_what_is_published(published: Path, tmp_path: Path) -> None:
    (published / "toy-sdxl" / "vae").mkdir(parents=True)
    assert train.find_trained(tmp_path, "toy-sdxl") == published / "toy-sdxl"
    assert train.find_trained(tmp_path, "autoencoder") == published / "toy-sdxl" / "vae"
    (tmp_path / "autoencoder").mkdir()
    assert train.find_trained(tmp_path, "autoencoder") == tmp_path / "autoencoder"


class Export:
    """Writes a file, and then another one or nothing."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole

    def export(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "first").touch()
        if not self.whole:
            raise OSError("No space left on device")
        (folder / "second").touch()


def test_an_export_that_breaks_off_leaves_the_earlier_result(tmp_path: Path) -> None:
    folder = tmp_path / "toy-sdxl"
    train.export(Export(whole=True), folder)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="No space left"):
        train.export(Export(whole=False), folder)  # type: ignore[arg-type]
    assert sorted(path.name for path in folder.iterdir()) == ["first", "second"]
    train.export(Export(whole=True), folder)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["toy-sdxl"]


def test_a_missing_teacher_is_named(published: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"toy-sdxl comes first, and is neither in .*: train toy-sdxl"):
        train.METHODS["toy-lcm-xl"](tmp_path)
