from django.urls import path

from comparisons import views

app_name = "rate"
urlpatterns = [
    path("<slug:key>/", views.landing, name="landing"),
    path("<slug:key>/judge/", views.judge, name="judge"),
    path("<slug:key>/answer/", views.answer, name="answer"),
    path("<slug:key>/i/<uuid:token>/", views.image, name="image"),
    path("<slug:key>/thanks/", views.thanks, name="thanks"),
]
