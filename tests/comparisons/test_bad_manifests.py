"""Every way in which a manifest or its pictures can be wrong: each bad row named, nothing imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as PillowImage
from pytest_django import Settings

from comparisons.models import Study
from generation import storage
from tests.comparisons.manifests import COLUMNS, ROWS, make_manifest, make_waiting_study, refusal, write
from tests.factories import make_draft

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


IMAGE_RULE = "allowed: a whole picture as PNG, JPEG or WebP"
STILL_RULE = "allowed: a still, opaque picture with 8 bits a channel, RGB or grey"


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        (["other@1", "a red fox", "spare.png"], ["system is 'other@1'; allowed: alpha@4, outside@1"]),
        (
            ["alpha@4", "A red fox", "spare.png"],
            ["prompt is 'A red fox'; allowed: the exact text of one of the study's 2 prompts"],
        ),
        (["alpha@4", "", "spare.png"], ["prompt is empty"]),
        (["alpha@4"], ["prompt is empty", "path is empty"]),
        (
            ["alpha@4", "boats", " two", "spare.png", "1", "2"],
            ["6 fields, and the header has 5; quote values that hold commas"],
        ),
        (
            ["alpha@4", "a red fox", "none.png"],
            ["path is 'none.png'; there is no such file in the manifest's folder"],
        ),
        (["alpha@4", "a red fox", "boats"], ["path is 'boats'; there is no such file in the manifest's folder"]),
        (
            ["alpha@4", "a red fox", "x" * 300],
            [f"path is '{'x' * 300}', which cannot be read (File name too long)"],
        ),
        (
            ["alpha@4", "a red fox", "/fox.png"],
            ["path is '/fox.png'; allowed: a path relative to the manifest's folder"],
        ),
        (["alpha@4", "a red fox", "text.png"], [f"path is 'text.png'; {IMAGE_RULE}"]),
        (["alpha@4", "a red fox", "half.png"], [f"path is 'half.png'; {IMAGE_RULE}"]),
        (["alpha@4", "a red fox", "still.gif"], [f"path is 'still.gif'; {IMAGE_RULE}"]),
        (["alpha@4", "a red fox", "moving.webp"], [f"path is 'moving.webp'; {STILL_RULE}"]),
        (["alpha@4", "a red fox", "glass.png"], [f"path is 'glass.png'; {STILL_RULE}"]),
        (["alpha@4", "a red fox", "deep.png"], [f"path is 'deep.png'; {STILL_RULE}"]),
        (
            ["alpha@4", "a red fox", "wide.png"],
            ["path is 'wide.png', which has 128 x 64 pixels; allowed: 64 x 64, the size of alpha@4"],
        ),
        (
            ["outside@1", "a red fox", "spare.png"],
            ["has the system and prompt of row 2; allowed: one row for each image, one file for each row"],
        ),
        (
            ["alpha@4", "a red fox", "./fox.png"],
            ["has the path of row 2; allowed: one row for each image, one file for each row"],
        ),
        (
            ["alpha@4", "a red fox", "spare.png", "-1"],
            ["seed is '-1'; allowed: a whole number below 2^64, or nothing"],
        ),
        (
            ["alpha@4", "a red fox", "spare.png", "x", "0"],
            [
                "seed is 'x'; allowed: a whole number below 2^64, or nothing",
                "latency_ms is '0'; allowed: a number above 0 such as 207.5, or nothing if not known",
            ],
        ),
        *(
            (
                ["alpha@4", "a red fox", "spare.png", "1", latency],
                [f"latency_ms is {latency!r}; allowed: a number above 0 such as 207.5, or nothing if not known"],
            )
            for latency in ("fast", "-3", "nan", "inf", "1_000", "0.0", "9" * 400)
        ),
    ],
)
@pytest.mark.usefixtures("study")
def test_a_bad_row_is_named_and_nothing_imported(
    manifest: Path, originals: Path, row: list[str], problems: list[str]
) -> None:
    make_bad_pictures(manifest.parent)
    write(manifest, [*ROWS, row], [*COLUMNS, "seed", "latency_ms"])
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    assert refusal("colours", manifest) == [
        f"manifest.csv: nothing was imported, {count}:",
        *(f"  row 4: {problem}" for problem in problems),
    ]
    assert not originals.exists()


def make_bad_pictures(folder: Path) -> None:
    grey = PillowImage.new("RGB", (64, 64), (90, 90, 90))
    grey.save(folder / "spare.png")
    grey.save(folder / "still.gif")
    grey.save(folder / "moving.webp", save_all=True, append_images=[PillowImage.new("RGB", (64, 64))])
    grey.resize((128, 64)).save(folder / "wide.png")
    PillowImage.new("RGBA", (64, 64), (90, 90, 90, 100)).save(folder / "glass.png")
    PillowImage.new("I;16", (64, 64), 40_000).save(folder / "deep.png")
    PillowImage.effect_noise((64, 64), 50).save(folder / "half.png")
    whole = (folder / "half.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("a picture of a fox")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "row 1 is empty; it must name the columns: system, prompt or prompt_id, path"),
        (b"system,seed\n", "no column path, prompt or prompt_id; found: system, seed"),
        (b"prompt_id,path\n", "no column system; found: prompt_id, path"),
        (
            b"system,prompt,prompt_id,path\n",
            "columns prompt and prompt_id are both there; allowed: one of them",
        ),
        (
            b"system,prompt,path,latency\n",
            "column 'latency' is not known; allowed: system, prompt, prompt_id, path, seed, latency_ms",
        ),
        (b"system,prompt,path,path\n", "column 'path' occurs 2 times; allowed: once"),
        (b"system,prompt,path\nalpha@4,caf\xe9,1.png\n", "line 2 is not UTF-8 (byte 0xe9)"),
        (b'system,prompt,path\nalpha@4,"a fox,1.png\n', "row 2 is not valid CSV (unexpected end of data)"),
    ],
)
@pytest.mark.usefixtures("study")
def test_a_bad_file_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "manifest.csv"
    file.write_bytes(content)
    assert refusal("colours", file) == [f"manifest.csv: {sentence}; nothing was imported."]


def test_what_else_is_refused(study: Study, tmp_path: Path, manifest: Path) -> None:
    assert refusal("colours", tmp_path / "no.csv") == [
        "no.csv: cannot be read (No such file or directory); nothing was imported."
    ]
    assert refusal("colors", manifest) == ["There is no study 'colors'; existing: colours."]
    assert refusal("colours", write(manifest, [])) == [
        "manifest.csv: nothing was imported, because no row follows the header."
    ]
    draft = make_draft()
    assert refusal(draft.slug, manifest) == [
        f"Study '{draft.slug}' is a draft: open it first with open_study {draft.slug}."
    ]


@pytest.mark.usefixtures("study")
def test_a_place_that_no_prompt_has(manifest: Path) -> None:
    write(manifest, [["alpha@4", "2", "fox.png"]], ["system", "prompt_id", "path"])
    assert refusal("colours", manifest)[1:] == [
        "  row 2: prompt_id is '2'; allowed: 0 to 1, a prompt's place in the study's prompt set"
    ]


@pytest.mark.usefixtures("study")
def test_every_bad_row_is_named_in_order(manifest: Path) -> None:
    write(manifest, [["alpha@4", "", "x.png"], ["alpha@4", "a red fox", "none.png"], ["beta", "a red fox", "fox.png"]])
    assert [line[:22] for line in refusal("colours", manifest)[1:]] == [
        "  row 2: prompt is emp",
        "  row 3: path is 'none",
        "  row 4: system is 'be",
    ]


@pytest.mark.usefixtures("study")
def test_rows_with_the_same_fault_share_a_line(manifest: Path) -> None:
    rows = [["alpha@4", "a red fox", f"none-{number}.png"] for number in range(40)]
    for number in (0, 3, 4, 5, 9):
        rows[number][1] = "a red dog"
    write(manifest, rows)
    heading, *lines = refusal("colours", manifest)
    assert "  rows 2, 5-7, 11: prompt is 'a red dog'; " in "\n".join(lines)
    assert [line for line in lines if "none-39.png" in line]
    assert heading.startswith("manifest.csv: nothing was imported, ")


@pytest.mark.usefixtures("study")
def test_a_full_disk_is_one_sentence(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(sha256: str, px: int) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "ensure_display", full)
    assert refusal("colours", manifest) == [
        "Nothing was imported: the images cannot be stored (No space left on device)."
    ]
