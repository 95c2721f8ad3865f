"""What the judging page's script says, in the language of the study."""

from __future__ import annotations

from django.utils.translation import gettext as _


def words_of_the_page() -> dict[str, str]:
    """By name. {braces} hold what the script fills in."""
    return {
        "part": _("Part {number} of {of}"),
        "question": _("Question {number} of {of}"),
        "practice": _("Practice, not counted"),
        "progress": _("{done} of {total} judged"),
        "almost": _("less than a minute left"),
        "left": _("about {minutes} min left"),
        "call": _("For each pair, decide:"),
        "new_call": _("From here on, a new question:"),
        "practice_call": _("First some practice. For each pair, decide:"),
        "left_image": _("Left image"),
        "right_image": _("Right image"),
        "top_image": _("Top image"),
        "bottom_image": _("Bottom image"),
        "loading": _("Loading the images…"),
        "saving": _("Saving…"),
        "tie": _("Tie"),
        "both_bad": _("Both bad"),
        "lost": _("Connection lost. Your answer is kept on this device; trying to send it again…"),
        "lost_unkept": _("Connection lost. Please leave this page open; trying to send your answer again…"),
        "undo_lost": _("Connection lost. Your answer could not be taken back yet; trying again…"),
        "report_lost": _("Connection lost. Your report could not be sent yet; trying again…"),
        "stale": _("This browser no longer lets the page prove who you are. Are cookies allowed?"),
        "pair": _("Pair {number}. {prompt}. {question}"),
        "right": _("Yes, well seen."),
        "expected_left": _("Look again: the better answer is the image on the left."),
        "expected_right": _("Look again: the better answer is the image on the right."),
        "expected_top": _("Look again: the better answer is the image at the top."),
        "expected_bottom": _("Look again: the better answer is the image at the bottom."),
        "kept": _("Not all of your answers have reached the server yet. Please leave this page open."),
    }
