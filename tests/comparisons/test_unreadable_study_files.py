"""Study files that hold no table: missing, in another encoding, no TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from comparisons.study_file import StudyFileError, read_study
from tests.comparisons.study_texts import read


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    with pytest.raises(StudyFileError) as refusal:
        read_study(missing)
    assert str(refusal.value) == f"{missing}: there is no such file."
    with pytest.raises(StudyFileError, match=f"^{tmp_path}: cannot be read as UTF-8 text: "):
        read_study(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'title = "caf\xe9"')
    with pytest.raises(StudyFileError, match=f"^{latin}: cannot be read as UTF-8 text: "):
        read_study(latin)


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError) as refusal:
        read(tmp_path, 'slug = "colours"\nseed: 7\n')
    sentence = "not valid TOML: Expected '=' after a key in a key/value pair (at line 2, column 5)."
    assert str(refusal.value) == f"{tmp_path / 'study.toml'}: {sentence}"


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 3000 + "]" * 3000])
def test_a_value_that_python_does_not_read(tmp_path: Path, value: str) -> None:
    with pytest.raises(StudyFileError, match="not valid TOML: "):
        read(tmp_path, f"x = {value}")
