from __future__ import annotations

from importlib.metadata import version
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.module_loading import import_string

app_name = "studies"


def _page(route: str, view: str, name: str, module: str = "views") -> URLPattern:
    """A path whose view is imported when somebody first asks for it.

    pandas, SciPy and Altair take 2 s and 200 MB, which raters' pages and management commands do without.
    """

    def ask(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        response: HttpResponseBase = import_string(f"analysis.{module}.{view}")(request, **arguments)
        return response

    return path(route, ask, name=name)


urlpatterns = [
    _page("", "study_list", name="list"),
    _page(f"vega-{version('vl-convert-python')}.js", "vega", name="vega"),
    _page("<slug:slug>/", "study_detail", name="detail"),
    _page("<slug:slug>/images/", "study_images", name="images"),
    _page("<slug:slug>/images/retry/", "retry_images", name="retry"),
    _page("<slug:slug>/raters/", "rater_list", name="raters", module="rater_views"),
    _page("<slug:slug>/raters/<int:session_id>/", "rater_detail", name="rater", module="rater_views"),
    _page("<slug:slug>/raters/<int:session_id>/exclude/", "exclude", name="exclude", module="rater_views"),
    _page("<slug:slug>/exclusions/<int:exclusion_id>/restore/", "restore", name="restore", module="rater_views"),
    _page("<slug:slug>/report/", "study_report", name="report"),
    _page("<slug:slug>/votes.csv", "votes_csv", name="votes_csv"),
]
