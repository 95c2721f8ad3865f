"""The raters' pages once more, under another address: their templates lead here while they are previewed.

The names are those of comparisons/urls.py, and this is another instance of the same namespace.
"""

from django.urls import path

from studio import preview_views as views

app_name = "rate"
urlpatterns = [
    path("<slug:key>/landing/", views.landing, name="landing"),
    path("<slug:key>/instructions/", views.instructions, name="instructions"),
    path("<slug:key>/instructions/<int:number>/<slug:side>/", views.example, name="example"),
    path("<slug:key>/comprehension/", views.comprehension, name="comprehension"),
    path("<slug:key>/judge/", views.judge, name="judge"),
    path("<slug:key>/answer/", views.answer, name="answer"),
    path("<slug:key>/undo/", views.take_back, name="undo"),
    path("<slug:key>/report/", views.report_problem, name="report"),
    path("<slug:key>/i/<int:number>/<slug:side>/", views.image, name="image"),
    path("<slug:key>/<slug:ending>/", views.ending, name="thanks"),
]
