from django.urls import path

from comparisons import exchange, views

app_name = "rate"
urlpatterns = [
    path("<slug:key>/", views.landing, name="landing"),
    path("<slug:key>/instructions/", views.instructions, name="instructions"),
    path("<slug:key>/instructions/<int:number>/<slug:side>/", exchange.example, name="example"),
    path("<slug:key>/comprehension/", views.comprehension, name="comprehension"),
    path("<slug:key>/judge/", views.judge, name="judge"),
    path("<slug:key>/answer/", exchange.answer, name="answer"),
    path("<slug:key>/undo/", exchange.take_back, name="undo"),
    path("<slug:key>/report/", exchange.report_problem, name="report"),
    path("<slug:key>/i/<uuid:token>/", exchange.image, name="image"),
    path("<slug:key>/thanks/", views.thanks, name="thanks"),
]
