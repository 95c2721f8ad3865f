from __future__ import annotations

from importlib.metadata import version
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.module_loading import import_string

app_name = "studies"


def _page(route: str, view: str, name: str, module: str = "views", **fixed: str) -> URLPattern:
    """A path whose view is imported when somebody first asks for it.

    pandas, SciPy and the drawing of charts take seconds and 200 MB, which most pages do without.
    """

    def ask(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        response: HttpResponseBase = import_string(f"analysis.{module}.{view}")(request, **arguments)
        return response

    return path(route, ask, fixed, name=name)


urlpatterns = [
    _page("", "study_list", name="list"),
    _page(f"vega-{version('vl-convert-python')}.js", "vega", name="vega"),
    _page("<slug:slug>/", "study_detail", name="detail", module="overview_views"),
    _page("<slug:slug>/images/", "study_images", name="images", module="overview_views"),
    _page("<slug:slug>/images/retry/", "retry_images", name="retry"),
    _page("<slug:slug>/raters/", "rater_list", name="raters", module="rater_views"),
    _page("<slug:slug>/raters/reported/", "reported_pairs", name="reported", module="rater_views"),
    _page("<slug:slug>/raters/<int:session_id>/", "rater_detail", name="rater", module="rater_views"),
    _page("<slug:slug>/raters/<int:session_id>/exclude/", "exclude", name="exclude", module="rater_views"),
    _page("<slug:slug>/raters/find/", "find_rater", name="find_rater", module="privacy_views"),
    _page("<slug:slug>/raters/<int:session_id>/erase/", "erase", name="erase", module="privacy_views"),
    _page("<slug:slug>/exclusions/<int:exclusion_id>/restore/", "restore", name="restore", module="rater_views"),
    _page("<slug:slug>/recruitment/", "study_recruitment", name="recruitment", module="recruitment_views"),
    _page("<slug:slug>/recruitment/invite/", "invite", name="invite", module="recruitment_views"),
    _page("<slug:slug>/recruitment/reconcile/", "reconcile", name="reconcile", module="recruitment_views"),
    _page("<slug:slug>/rating/", "study_rating", name="rating", module="overview_views"),
    _page("<slug:slug>/quality/", "study_quality", name="quality", module="quality_views"),
    _page("<slug:slug>/votes/", "vote_list", name="votes", module="vote_views"),
    _page("<slug:slug>/votes/chosen.csv", "chosen_csv", name="chosen_csv", module="vote_views"),
    _page("<slug:slug>/votes/<int:vote_id>/", "vote_detail", name="vote", module="vote_views"),
    _page("<slug:slug>/gallery/", "gallery", name="gallery", module="gallery_views"),
    _page("<slug:slug>/prompts/<int:position>/", "prompt_detail", name="prompt", module="gallery_views"),
    _page("<slug:slug>/images/<uuid:public_id>/", "image_detail", name="image", module="gallery_views"),
    _page("<slug:slug>/images/<uuid:public_id>/original.png", "original", name="original", module="gallery_views"),
    _page("<slug:slug>/images/<uuid:public_id>/<slug:size>.webp", "picture", name="picture", module="gallery_views"),
    _page("<slug:slug>/results/", "study_results", name="results", module="result_views"),
    _page("<slug:slug>/results/age/", "results_age", name="results_age", module="result_views"),
    _page("<slug:slug>/results/compute/", "compute_now", name="compute_now", module="result_views"),
    *(
        _page(f"<slug:slug>/results/<slug:chart>.{form}", "chart_file", f"chart_{form}", "result_views", form=form)
        for form in ("svg", "png", "pdf", "csv")
    ),
    _page("<slug:slug>/report/", "study_report", name="report", module="report_views"),
    _page("<slug:slug>/report.pdf", "report_pdf", name="report_pdf", module="report_views"),
    _page("<slug:slug>/report.zip", "report_zip", name="report_zip", module="report_views"),
    _page("<slug:slug>/exports/", "study_exports", name="exports", module="export_views"),
    _page("<slug:slug>/exports/import/", "import_votes", name="import_votes", module="export_views"),
    _page("<slug:slug>/votes.csv", "votes_csv", name="votes_csv", module="export_views"),
    _page("<slug:slug>/votes.parquet", "votes_parquet", name="votes_parquet", module="export_views"),
    _page("<slug:slug>/bundle.zip", "bundle", name="bundle", module="export_views"),
]
