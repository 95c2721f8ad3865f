from __future__ import annotations

from django.urls import path

from people import account_views, sign_in, views

app_name = "people"

urlpatterns = [
    path("account/", account_views.account, name="account"),
    path("account/password/", sign_in.ChangePassword.as_view(), name="password"),
    path("account/tokens/", account_views.make_token, name="make_token"),
    path("account/tokens/<int:token_id>/revoke/", account_views.revoke_token, name="revoke_token"),
    path("studies/<slug:slug>/people/", views.member_list, name="members"),
    path("studies/<slug:slug>/people/grant/", views.grant, name="grant"),
    path("studies/<slug:slug>/people/revoke/", views.revoke, name="revoke"),
    path("studies/<slug:slug>/activity/", views.activity, name="activity"),
]
