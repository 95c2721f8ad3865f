"""Charts as Vega-Lite specifications: drawn by the page's script, and here as files and for reports."""

from analysis.charts.drawing import bundle, drawn, numbers, static_svg
from analysis.charts.look import INTERVAL, LOSS_TO_WIN, MARK, ON_DEEP, ON_PALE, Specification, marked
from analysis.charts.matrices import DEEP, slice_matrix, win_rate_matrix
from analysis.charts.progress import answer_times, votes_by_day
from analysis.charts.scatter import preference_against_latency, preference_against_steps
from analysis.charts.standings import MEAN, elo, ratings

__all__ = [
    "DEEP",
    "INTERVAL",
    "LOSS_TO_WIN",
    "MARK",
    "MEAN",
    "ON_DEEP",
    "ON_PALE",
    "Specification",
    "answer_times",
    "bundle",
    "drawn",
    "elo",
    "marked",
    "numbers",
    "preference_against_latency",
    "preference_against_steps",
    "ratings",
    "slice_matrix",
    "static_svg",
    "votes_by_day",
    "win_rate_matrix",
]
