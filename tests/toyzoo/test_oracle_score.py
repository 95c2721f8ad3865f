"""The oracle's verdict on a study's images, in the form that simulated raters take."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageFilter

from comparisons import strengths
from comparisons.models import Study
from generation.models import ImageJob
from tests.factories import make_draft, make_open_study
from toyzoo.domain.captions import CaptionError, parse
from toyzoo.domain.drawing import draw
from toyzoo.domain.scenes import picture
from toyzoo.oracle import score

pytestmark = pytest.mark.django_db

CAPTIONS = ("a red ball", "two blue cones", "a large striped green star on a white background")


def paint(job: ImageJob) -> PillowImage.Image:
    """alpha draws what was wished, beta does so dimly, gamma something else cleanly."""
    wished = "a black moon" if job.system.slug == "gamma@4" else job.prompt.text
    made = PillowImage.fromarray(draw(picture(parse(wished), random.Random(job.id))))
    return made.filter(ImageFilter.GaussianBlur(2)) if job.system.slug == "beta@4" else made


@pytest.fixture
def study() -> Study:
    return make_open_study(CAPTIONS, paint, slug="worlds")


def test_scores_tell_following_from_quality(study: Study) -> None:
    found = score.of_study(study)
    assert len(found) == 2 * 3 * len(CAPTIONS)
    means = {
        (question, system): np.mean([found[question, f"{system}@4", position] for position in range(len(CAPTIONS))])
        for question in score.QUESTIONS
        for system in ("alpha", "beta", "gamma")
    }
    assert means["prompt-following", "alpha"] == 1.0
    assert means["prompt-following", "gamma"] < 0.5 < means["prompt-following", "beta"]
    assert means["quality", "beta"] < 0.7
    assert min(means["quality", "alpha"], means["quality", "gamma"]) > 0.9


def test_simulated_raters_take_the_file(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    found = score.of_study(study)
    score.write(found, list(score.QUESTIONS), file)
    taken = strengths.from_file(study, file)
    assert taken == pytest.approx({key: score.STEEPNESS * value for key, value in found.items()}, abs=1e-4)


def test_prompts_of_another_world_are_refused() -> None:
    study = make_draft(["a lighthouse at sunset"], slug="other")
    with pytest.raises(CaptionError, match="lighthouse"):
        score.of_study(study)
