"""manage.py benchmark_latency: with tiny checkpoints in a process of its own, and with a painter where memory ends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from generation.backends import OutOfDeviceMemory
from generation.models import LatencyRun, System
from tests.generation.job_rows import make_system
from tests.generation.painter import Painter
from tests.generation.sites import HEAD, QUICK, SLOW
from tests.processes import Site


def test_a_study_s_systems_are_measured(tmp_path: Path, checkpoints: Path) -> None:
    site = Site(tmp_path)
    shutil.copytree(checkpoints, site.folder / "checkpoints")
    (site.folder / "prompts.txt").write_text("a red cube")
    (site.folder / "study.toml").write_text(HEAD + QUICK + SLOW.replace("steps = 40", "steps = 3"))
    site.manage("migrate", "--no-input")
    site.manage("import_prompts", site.folder / "prompts.txt", "--set", "four")
    site.manage("create_study", site.folder / "study.toml")
    printed = site.manage("benchmark_latency", "quick@1", "slow@3", "--runs=2", "--batch=1", "--batch=2")
    assert [line for line in printed.splitlines() if line.endswith("call(s)")] == [
        f"{slug}: milliseconds a call, median (quartiles) of 2 call(s)" for slug in ("quick@1", "slow@3")
    ]
    assert printed.count("\nbatch ") == printed.count("\n    1  ") == printed.count("\n    2  ") == 2
    assert printed.count("float32, 1 thread(s), python 3.") == 2
    rows = site.rows(
        "SELECT system, batch_size, runs, timings, environment, error FROM generation_latencyrun ORDER BY id"
    )
    assert [row[:3] for row in rows] == [("quick@1", 1, 2), ("quick@1", 2, 2), ("slow@3", 1, 2), ("slow@3", 2, 2)]
    for system, size, _, timings, environment, error in rows:
        calls = json.loads(timings)
        assert [len(call["forward_ms"]) for call in calls] == [int(system[-1])] * 2
        assert all(call["total_ms"] <= call["wall_ms"] for call in calls)
        assert (json.loads(environment)["batch_size"], error) == (size, "")
    assert site.rows("SELECT count(*) FROM generation_image") == [(0,)]
    assert site.rows("SELECT count(*) FROM generation_checkpoint") == [(3,)]


@pytest.fixture
def system(painter: type[Painter]) -> System:
    return make_system("alpha")


@pytest.mark.django_db
def test_the_first_call_of_each_batch_size_is_not_counted(
    system: System, painter: type[Painter], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("benchmark_latency", "alpha@4", "--runs=2", "--batch=1", "--batch=3", "--prompt=two cats")
    assert [(len(prompts), seeds) for prompts, seeds in painter.calls] == [
        (1, [0]), (1, [0]), (1, [1]), (3, [0, 1, 2]), (3, [0, 1, 2]), (3, [3, 4, 5]),
    ]  # fmt: skip
    assert {text for prompts, _ in painter.calls for text in prompts} == {"two cats"}
    assert [run.runs for run in LatencyRun.objects.order_by("id")] == [2, 2]
    assert "1.0 (1.0 to 1.0)" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_batch_that_does_not_fit_says_so(
    system: System, painter: type[Painter], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def before(seeds: Sequence[int]) -> None:
        if len(seeds) > 2:
            raise OutOfDeviceMemory(f"alpha@4 ran out of memory on easel with a batch of {len(seeds)}.")

    monkeypatch.setattr(Painter, "before", staticmethod(before))
    call_command("benchmark_latency", "alpha@4", "--runs=2", "--batch=4", "--batch=2")
    small, large = LatencyRun.objects.order_by("batch_size")
    assert (small.runs, small.error, small.device) == (2, "", "easel")
    assert (large.runs, large.error, large.timings) == (0, "alpha@4 ran out of memory on easel with a batch of 4.", [])
    assert f"    4  {large.error}\n" in capsys.readouterr().out


@pytest.mark.django_db
def test_the_largest_batch_is_kept_to(
    system: System, painter: type[Painter], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Painter, "largest_batch", 1)
    call_command("benchmark_latency", "alpha@4", "--runs=1", "--batch=1", "--batch=4")
    assert [run.batch_size for run in LatencyRun.objects.all()] == [1]
    assert "alpha@4 makes at most 1 image(s) a call.\n" in capsys.readouterr().out


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["beta@4"], r"beta@4 is no system; allowed: one of the database \(alpha@4\), or NAME@STEPS .*\(sdxl, .*\)\."),
        (["sdxl"], "sdxl is no system; allowed: "),
        (["sdxl@0"], "sdxl@0: steps is 0; allowed: a whole number from 1 to "),
        (["stylegan-t-pp@2"], "stylegan-t-pp@2: steps is 2; allowed: 1, the only value"),
        (["alpha@4", "--runs=0"], r"--runs is 0; allowed: a whole number of at least 1\."),
        (["alpha@4", "--batch=1", "--batch=-2"], r"--batch is -2; allowed: a whole number of at least 1\."),
    ],
)
def test_bad_arguments(system: System, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("benchmark_latency", *arguments)
    assert not LatencyRun.objects.exists()


@pytest.mark.django_db
def test_systems_of_the_catalogue(painter: type[Painter]) -> None:
    call_command("benchmark_latency", "sdxl-turbo@1", "--runs=1")
    (run,) = LatencyRun.objects.all()
    assert (run.system, run.spec["steps"], painter.loaded) == ("sdxl-turbo@1", 1, ["sdxl-turbo@1"])
