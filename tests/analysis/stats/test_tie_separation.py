"""Where models of ties have no finite ratings, and that what they have is a maximum."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.stats import summarise
from analysis.stats.errors import DisconnectedError, NotConvergedError, RatingError, SeparationError
from analysis.stats.tie_models import MODELS, fit_ties
from analysis.stats.tie_separation import Counts
from tests.analysis.stats.planted import table

OUTCOMES = ("left", "right", "tie")
FARTHEST = 12.0  # log odds that a few votes can lead to
Cell = tuple[int, int, str, int]  # left, right, outcome, votes


def counts(*cells: Cell, k: int = 2) -> Counts:
    found = np.zeros((3, k, k))
    for left, right, outcome, votes in cells:
        found[OUTCOMES.index(outcome), left, right] = votes
    return found[0], found[1], found[2]


def few_votes(most_systems: int) -> st.SearchStrategy[Counts]:
    def of(k: int) -> st.SearchStrategy[Counts]:
        cell = st.tuples(st.integers(0, k - 1), st.integers(1, k - 1), st.sampled_from(OUTCOMES), st.integers(1, 3))
        cells = st.lists(cell.map(lambda c: (c[0], (c[0] + c[1]) % k, c[2], c[3])), min_size=2, max_size=14)
        return cells.map(lambda drawn: counts((0, 1, "tie", 1), *drawn, k=k))

    return st.integers(2, most_systems).flatmap(of)


def runs_away(found: Counts, *, with_side: bool) -> bool:
    """Whether the likelihood never falls along some direction of small whole numbers.

    Davidson's probabilities are shares of e^(x/2), e^(-x/2) and e^(T/2), so that far along (x, T) the logarithm of one
    falls by half of how far its own exponent is below the greatest.
    """
    k = len(found[0])
    steps = np.stack(np.meshgrid(*[np.arange(5)] * k, np.arange(-2, 3) * with_side, np.arange(5)), axis=-1)
    steps = steps.reshape(-1, k + 2)
    steps = steps[(steps[:, :k].min(axis=1) == 0) & steps.any(axis=1)]
    x = steps[:, :k, None] - steps[:, None, :k] + steps[:, k, None, None]
    t = steps[:, -1, None, None]
    most = np.maximum(np.abs(x), t)
    left, right, ties = found
    falls = left * (most - x) + right * (most + x) + ties * (most - t)
    return bool((falls.sum(axis=(1, 2)) == 0).any())


@pytest.mark.parametrize("model", MODELS)
@given(found=few_votes(most_systems=3))
def test_all_directions_tried_one_by_one_agree(model: str, found: Counts) -> None:
    assume((found[0] + found[1]).any())
    try:
        fit = fit_ties(found, model, tuple("abc")[: len(found[0])])
    except SeparationError:
        assert runs_away(found, with_side=False)
    except DisconnectedError:
        assert len(found[0]) == 3
    else:
        assert not runs_away(found, with_side=False)
        assert np.isnan(fit.side) == runs_away(found, with_side=True)


@pytest.mark.parametrize("model", MODELS)
@given(found=few_votes(most_systems=5))
def test_ratings_are_refused_or_finite_and_the_top_of_the_likelihood(model: str, found: Counts) -> None:
    try:
        fit = fit_ties(found, model, tuple("abcde")[: len(found[0])])
    except NotConvergedError:
        raise
    except RatingError:
        return
    side = 0.0 if np.isnan(fit.side) else fit.side
    assert np.abs([*fit.strengths, side, np.log(fit.tie)]).max() < FARTHEST
    at = MODELS[model](np.subtract.outer(fit.strengths, fit.strengths) + side, float(np.log(fit.tie)), found)
    slopes = [*(at.x.sum(axis=1) - at.x.sum(axis=0)), at.t.sum(), 0.0 if np.isnan(fit.side) else at.x.sum()]
    assert slopes == pytest.approx(np.zeros(len(slopes)), abs=1e-6)
    assert (np.linalg.eigvalsh(fit.covariance) > -1e-9).all()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("tied", [1, 90, 900])
@pytest.mark.parametrize("on_both_sides", [False, True])
def test_who_never_loses_but_ties_has_no_rating(model: str, tied: int, on_both_sides: bool) -> None:
    cells: list[Cell] = [(0, 1, "left", 100), (0, 1, "tie", tied)]
    cells += [(1, 0, "right", 110), (1, 0, "tie", tied)] * on_both_sides
    with pytest.raises(SeparationError, match="of strong and weak, best first, none ever lost"):
        fit_ties(counts(*cells), model, ("strong", "weak"))


@pytest.mark.parametrize("model", MODELS)
def test_wins_down_one_order_need_a_tie_that_leaps_over_one_of_them(model: str) -> None:
    ladder: list[Cell] = [(2, 1, "left", 3), (1, 0, "left", 3), (0, 1, "tie", 1), (1, 2, "tie", 2)]
    with pytest.raises(SeparationError, match="of c, b and a, best first"):
        fit_ties(counts(*ladder, k=3), model, ("a", "b", "c"))
    fit = fit_ties(counts(*ladder, (0, 2, "tie", 1), k=3), model, ("a", "b", "c"))
    assert list(np.argsort(-fit.strengths)) == [2, 1, 0]


@pytest.mark.parametrize("model", MODELS)
def test_a_side_that_always_wins_or_ties_is_left_out(model: str) -> None:
    """With ties as half, which tell a side's strength from its never losing, the same votes have a side."""
    fit = fit_ties(counts((0, 1, "left", 5), (0, 1, "tie", 2), (1, 0, "left", 4), (1, 0, "tie", 1)), model, ("a", "b"))
    assert np.isnan(fit.side)
    assert np.abs(fit.strengths).max() < 1


@pytest.mark.parametrize("model", MODELS)
def test_a_summary_says_why_and_has_no_number(model: str) -> None:
    rows = [
        ("p", "strong", "weak", "left", "r"),
        ("q", "weak", "strong", "right", "s"),
        ("p", "weak", "strong", "tie", "s"),
    ]
    found = summarise(table(*rows), ties=model)["questions"]["quality"]
    assert [row["bt"] for row in found["systems"]] == [None, None]
    assert [text for text in found["warnings"] if f"in the {model} model greater differences" in text]


def test_a_solver_without_an_answer_is_an_error_and_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    found = counts((0, 1, "left", 2), (0, 1, "right", 2), (0, 1, "tie", 1))
    monkeypatch.setattr("scipy.optimize.linprog", lambda *_, **__: SimpleNamespace(status=4, message="It failed."))
    with pytest.raises(NotConvergedError, match="is not known: It failed"):
        fit_ties(found, "davidson", ("a", "b"))


def test_a_flat_likelihood_is_an_error_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    found = counts((0, 1, "left", 2), (0, 1, "right", 2), (0, 1, "tie", 1))
    monkeypatch.setattr(np.linalg, "inv", fails)
    with pytest.raises(NotConvergedError, match="the likelihood is too flat"):
        fit_ties(found, "davidson", ("a", "b"))
