"""The rater's pages. Nothing that leaves here names a system, a model or a step count."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import wraps

from csp.constants import SELF
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from comparisons import admission, examples, judging, recruitment, sessions
from comparisons.assignments import next_assignment, take_turn
from comparisons.models import Rater, RaterSession, Study
from comparisons.words import words_of_the_page

Stage = RaterSession.Stage
View = Callable[..., HttpResponse]
_PAGES = {
    Stage.INSTRUCTIONS: "rate:instructions",
    Stage.COMPREHENSION: "rate:comprehension",
    Stage.PRACTICE: "rate:judge",
    Stage.JUDGING: "rate:judge",
}


def rng() -> random.Random:
    """Seeded by the system: what it draws is stored with each lease, and raters must not be able to foresee it."""
    return random.Random()


def in_study(view: View) -> View:
    """The view gets the study and this browser's session in it, or None, and speaks the study's language."""

    @wraps(view)
    def shown(request: HttpRequest, key: str, **arguments: object) -> HttpResponse:
        session = sessions.recall(request, key)
        study = session.study if session else get_object_or_404(Study, key=key)
        return _in_its_language(study, lambda: view(request, study, session, **arguments))

    return never_cache(shown)


def _in_its_language(study: Study, view: Callable[[], HttpResponse]) -> HttpResponse:
    with translation.override(study.protocol.language):
        response = view()
    if study.protocol.recruitment.platform == "mturk":
        _allow_mturk(response)
    return response


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Whoever sent it: a form whose token is missing or old. A rater reads why in the study's language."""
    sent_to = request.resolver_match
    study = Study.objects.filter(key=sent_to.kwargs.get("key")).first() if sent_to else None

    def shown() -> HttpResponse:
        return render(request, "comparisons/stale_form.html", {"study": study}, status=403)

    return _in_its_language(study, shown) if study else shown()


def on_the_way(stage: str) -> Callable[[View], View]:
    """A page of one stage: whoever is elsewhere is led there."""

    def decorate(view: View) -> View:
        @wraps(view)
        def shown(request: HttpRequest, study: Study, session: RaterSession | None) -> HttpResponse:
            if session is None:
                return redirect("rate:landing", key=study.key)
            return view(request, session) if session.stage == stage else _lead_on(session)

        return shown

    return decorate


@require_http_methods(["GET", "POST"])
@in_study
def landing(request: HttpRequest, study: Study, here: RaterSession | None) -> HttpResponse:
    """Consent; whoever has begun, here or in a browser that the platform knows, goes on."""
    try:
        arrival = recruitment.arrival(study, request.GET)
    except recruitment.ArrivalError as error:
        return _lead_on(here) if here else _unavailable(request, study, str(error))
    session = sessions.resume(study, here, arrival)
    if session is None and (reason := _no_newcomers(study)):
        return _unavailable(request, study, reason, is_sent=bool(arrival.worker_hash))
    if arrival.is_preview or recruitment.needs_window(study, request.GET):
        return render(request, "comparisons/window.html", {"study": study, "is_preview": arrival.is_preview})
    if session:
        return _remembered(request, session, arrival)
    if request.method == "POST" and request.POST.get("consent") == "1":
        return _begin(request, study, arrival)
    return render(request, "comparisons/landing.html", judging.introduction(study))


def _begin(request: HttpRequest, study: Study, arrival: recruitment.Arrival) -> HttpResponse:
    simulated = request.POST.get("kind") == Rater.Kind.SIMULATED
    try:
        session = sessions.start_session(study, Rater.Kind.SIMULATED if simulated else Rater.Kind.PERSON, arrival)
    except sessions.NoPlace:
        study.refresh_from_db(fields=["admitted"])
        return _unavailable(request, study, _no_newcomers(study), is_sent=bool(arrival.worker_hash))
    return _remembered(request, session, arrival)


def _remembered(request: HttpRequest, session: RaterSession, arrival: recruitment.Arrival) -> HttpResponse:
    """On to where the session is, with its cookies set."""
    response = _lead_on(session)
    path = reverse("rate:landing", args=[session.study.key])
    sessions.remember(response, session, path=path, secure=settings.SESSION_COOKIE_SECURE)
    recruitment.remember_way_back(response, arrival, path=path, secure=settings.SESSION_COOKIE_SECURE)
    return response


def _lead_on(session: RaterSession) -> HttpResponse:
    return redirect(_PAGES.get(Stage(session.stage), "rate:thanks"), key=session.study.key)


def _no_newcomers(study: Study) -> str:
    """Why nobody can begin now; empty where they can."""
    refusal = admission.refusal(study)
    return admission.sentence(refusal) if refusal else ""


def _unavailable(
    request: HttpRequest, study: Study, reason: str = "", *, is_sent: bool = False, session: RaterSession | None = None
) -> HttpResponse:
    """`is_sent`: by a platform, which waits for an ending that there will not be."""
    sender = recruitment.NAMES.get(study.protocol.recruitment.platform) if is_sent else None
    reason = reason or admission.sentence(admission.without_pairs(study))
    context = {"study": study, "reason": reason, "sender": sender}
    context |= _deliveries(session) if session else {}
    return render(request, "comparisons/unavailable.html", context)


@require_http_methods(["GET", "POST"])
@in_study
@on_the_way(Stage.INSTRUCTIONS)
def instructions(request: HttpRequest, session: RaterSession) -> HttpResponse:
    if request.method == "POST":
        sessions.advance(session)
        return _lead_on(session)
    introduction = judging.introduction(session.study)
    by_question = examples.shown(session.study)
    asked = [(question, by_question.get(question.key, [])) for question in introduction["questions"]]
    return render(request, "comparisons/instructions.html", {**introduction, "asked": asked})


@require_http_methods(["GET", "POST"])
@in_study
@on_the_way(Stage.COMPREHENSION)
def comprehension(request: HttpRequest, session: RaterSession) -> HttpResponse:
    items = session.study.protocol.comprehension
    given = [request.POST.get(f"item-{number}", "") for number in range(len(items))]
    offered = [[str(number) for number in range(1, len(item.options) + 1)] for item in items]
    is_complete = all(answer in numbers for answer, numbers in zip(given, offered, strict=True))
    if request.method == "POST" and is_complete:
        if request.POST.get("tries") == str(session.comprehension_tries):  # else sent twice, or from an old page
            sessions.answer_comprehension(session, [int(answer) for answer in given])
        return _lead_on(session)
    context = {
        **judging.introduction(session.study),
        "items": items,
        "tries": session.comprehension_tries,
        "is_incomplete": request.method == "POST" and not is_complete,
    }
    return render(request, "comparisons/comprehension.html", context)


@require_GET
@in_study
def judge(request: HttpRequest, study: Study, session: RaterSession | None) -> HttpResponse:
    if session is None:
        return redirect("rate:landing", key=study.key)
    if session.stage not in sessions.WITH_PAIRS:
        return _lead_on(session)
    turn = take_turn(session, rng())
    if turn.current is None:
        return redirect("rate:thanks", key=study.key)
    context = {
        "study": study,
        "payload": judging.payload(turn.current, turn.shown, turn.ahead),
        "ahead": judging.addresses(turn.ahead) if turn.ahead else None,
        "addresses": {
            name: reverse(f"rate:{name}", args=[study.key]) for name in ("answer", "undo", "report", "thanks")
        },
        "storage_name": sessions.storage_name(session),
        "words": words_of_the_page(),
    }
    return render(request, "comparisons/judge.html", context)


@require_GET
@in_study
def thanks(request: HttpRequest, study: Study, session: RaterSession | None) -> HttpResponse:
    """The ending, whichever it is. Who has something left to judge is led back to it."""
    if session is None:
        return redirect("rate:landing", key=study.key)
    if session.stage in sessions.WITH_PAIRS and next_assignment(session, rng()):
        return redirect("rate:judge", key=study.key)
    if session.stage in {Stage.INSTRUCTIONS, Stage.COMPREHENSION}:
        return _lead_on(session)
    answered = judging.answers_given(session)
    if not session.has_ended and not answered:
        return _unavailable(request, study, is_sent=True, session=session)
    sessions.end(session, Stage.COMPLETED)
    context = {
        "study": study,
        "session": session,
        "answered": answered,
        "code": recruitment.ending_code(session),
        "way_back": recruitment.way_back(session, recruitment.recall_way_back(request)),
        **_deliveries(session),
    }
    return render(request, "comparisons/thanks.html", context)


def _deliveries(session: RaterSession) -> dict[str, object]:
    """For the script that sends what the browser still holds."""
    return {
        "answer_url": reverse("rate:answer", args=[session.study.key]),
        "storage_name": sessions.storage_name(session),
        "words": words_of_the_page(),
    }


def _allow_mturk(response: HttpResponse) -> None:
    """Its workers see the first page in a frame of theirs; the last one posts to it, and is led on from there."""
    pages = recruitment.MTURK_PAGES
    response._csp_replace = {"frame-ancestors": [pages], "form-action": [SELF, pages]}  # type: ignore[attr-defined]
    response.xframe_options_exempt = True
