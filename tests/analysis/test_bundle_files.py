"""A bundle's bytes: the same for the same files, and never another one unnoticed."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.bundle_files import BundleError, BundleWriter, changes, image_name, open_bundle

PICTURE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of no bytes
FILES = {"bundle.json": b"{}\n", "votes.parquet": bytes(range(48)), image_name(PICTURE): b""}


def bundled(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with BundleWriter(target) as bundle:
        for name, content in files.items():
            bundle.add(name, content)
    return target.getvalue()


def found(path: Path, content: bytes) -> list[str]:
    path.write_bytes(content)
    with open_bundle(path) as archive:
        return changes(path, archive)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.zip"


def test_the_same_files_make_the_same_bytes() -> None:
    assert bundled(FILES) == bundled(FILES)


@given(content=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_was_not_changed_is_as_it_was(path: Path, content: bytes) -> None:
    assert found(path, bundled(FILES | {"votes.parquet": content})) == []


def test_every_changed_byte_is_found(path: Path) -> None:
    whole = bundled(FILES)
    for place, byte in enumerate(whole):
        for other in (byte ^ 1, byte ^ 0x80):
            changed = whole[:place] + bytes([other]) + whole[place + 1 :]
            with suppress(BundleError):  # where it is no bundle any more
                assert found(path, changed), place


def test_the_changed_file_is_named(path: Path) -> None:
    whole = bundled(FILES)
    start = whole.index(FILES["votes.parquet"])
    for place in (start, start + 20, start + 47):
        assert found(path, whole[:place] + b"!" + whole[place + 1 :]) == ["votes.parquet was changed."]


def test_a_file_changed_with_its_checksum_is_named(path: Path) -> None:
    files = FILES | {"votes.parquet": b"others"}
    whole = zipped({**files, "MANIFEST": manifest_of(bundled(FILES))}, zipfile.ZIP_STORED)
    assert found(path, whole) == ["votes.parquet was changed."]


def test_a_picture_under_the_name_of_another_is_told(path: Path) -> None:
    name = image_name("0" * 64)
    assert found(path, bundled({name: b"pixels"})) == [f"{name} is another picture."]


def test_missing_and_surplus_files_are_named(path: Path) -> None:
    manifest = manifest_of(bundled(FILES))
    files = {name: content for name, content in FILES.items() if name != "bundle.json"}
    whole = zipped({**files, "README.txt": b"", "MANIFEST": manifest}, zipfile.ZIP_STORED)
    assert found(path, whole) == ["README.txt is not in MANIFEST.", "bundle.json is missing."]


def test_bytes_around_it_are_found(path: Path) -> None:
    for content in (
        b"more" + bundled(FILES),
        bundled(FILES | {"README.txt": b""}).replace(b"PK\x01\x02", b"-PK\x01\x02", 1),
    ):
        assert found(path, content)


@pytest.mark.parametrize("length", [0.1, 0.5, 0.99])
def test_a_cut_file_is_refused(path: Path, length: float) -> None:
    whole = bundled(FILES)
    with pytest.raises(BundleError, match=r"^study\.zip: not a whole zip file: it is cut off, or something else\.$"):
        found(path, whole[: int(length * len(whole))])


def manifest_of(whole: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return archive.read("MANIFEST")


def zipped(files: dict[str, bytes], compression: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


REFUSED = {
    "another zip": (
        {"word/document.xml": b""},
        "a zip file, but no bundle: it has no file MANIFEST; allowed are bundles, and",
    ),
    "a path out of it": (
        {"MANIFEST": b"", "../votes.parquet": b""},
        r"holds '\.\./votes\.parquet'; allowed are MANIFEST, ",
    ),
    "an absolute path": ({"MANIFEST": b"", "/etc/passwd": b""}, "holds '/etc/passwd'; allowed are MANIFEST, "),
    "a path below": ({"MANIFEST": b"", "images/x/../y.png": b""}, r"holds 'images/x/\.\./y\.png'; allowed are "),
}


@pytest.mark.parametrize(("files", "sentence"), REFUSED.values(), ids=REFUSED)
def test_other_zips_are_refused(path: Path, files: dict[str, bytes], sentence: str) -> None:
    with pytest.raises(BundleError, match=rf"^study\.zip: {sentence}"):
        found(path, zipped(files, zipfile.ZIP_STORED))


def test_a_zip_that_would_grow_is_refused(path: Path) -> None:
    bomb = zipped({"votes.parquet": bytes(10_000_000), "MANIFEST": b""}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20_000
    with pytest.raises(BundleError, match=r"^study\.zip: votes\.parquet is compressed; a bundle's files are not\.$"):
        found(path, bomb)


def test_a_file_twice_is_refused(path: Path) -> None:
    whole = zipped({"bundle.json": b"one", "design.json": b"two", "MANIFEST": b""}, zipfile.ZIP_STORED)
    with pytest.raises(BundleError, match=r"^study\.zip: holds bundle\.json more than once\.$"):
        found(path, whole.replace(b"design.json", b"bundle.json"))


def test_overlapping_files_are_refused(path: Path) -> None:
    """As bombs are made whose files all lie in the same bytes."""
    whole = bytearray(bundled({"votes.parquet": bytes(1000), "bundle.json": bytes(1000)}))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        offset = archive.getinfo("bundle.json").header_offset
    entry = whole.rindex(b"bundle.json") - 46
    assert int.from_bytes(whole[entry + 42 : entry + 46], "little") == offset
    whole[entry + 24 : entry + 28] = whole[entry + 20 : entry + 24] = (10_000).to_bytes(4, "little")
    with pytest.raises(BundleError, match="says that its files are longer than itself"):
        found(path, bytes(whole))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"question,prompt_id\n"])
def test_what_is_no_zip_is_refused(path: Path, content: bytes) -> None:
    with pytest.raises(BundleError, match=r"^study\.zip: not a whole zip file: it is cut off, or something else\.$"):
        found(path, content)


def test_files_too_long_for_the_old_form_of_zips_are_as_they_were(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    assert found(path, bundled(FILES)) == []
