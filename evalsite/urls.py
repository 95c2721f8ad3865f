"""Addresses: /r/ is for raters, /studies/ and /account/ for researchers, /api/ for programs, /admin/ a last resort."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from django.views.generic import TemplateView

from people import sign_in

urlpatterns = [
    path("", TemplateView.as_view(template_name="home.html"), name="home"),
    path("r/", include("comparisons.urls")),
    path("studies/", include("analysis.urls")),
    path("studio/", include("studio.urls")),
    path("api/", include("api.urls")),
    path("preview/", include("studio.preview_urls", namespace="preview")),
    path("", include("people.urls")),
    path("login/", sign_in.SignIn.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/login/", sign_in.admin_sign_in),
    path("admin/", admin.site.urls),
]
