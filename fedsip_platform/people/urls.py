"""Addresses of people's own accounts: those of django-allauth that we have, and ours."""

from __future__ import annotations

from allauth.account import views as account
from django.urls import include, path, re_path

from . import views

urlpatterns = [
    path("sign-in", account.login, name="sign-in"),
    path("sign-in", account.login, name="account_login"),
    path("sign-out", account.logout, name="sign-out"),
    path("sign-out", account.logout, name="account_logout"),
    path("invitation/<str:secret>", views.invitation, name="invitation"),
    path("account/tenant", views.switch_tenant, name="switch-tenant"),
    path("account/inactive/", account.account_inactive, name="account_inactive"),
    path("account/signup/", account.signup, name="account_signup"),
    path("account/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("account/password/change/", account.password_change, name="account_change_password"),
    path("account/password/set/", account.password_set, name="account_set_password"),
    path("account/password/reset/", account.password_reset, name="account_reset_password"),
    path(
        "account/password/reset/done/",
        account.password_reset_done,
        name="account_reset_password_done",
    ),
    path(
        "account/password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^account/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "account/confirm-email/",
        account.email_verification_sent,
        name="account_email_verification_sent",
    ),
    path("account/mfa/", include("allauth.mfa.urls")),
    path("account/sessions/", include("allauth.usersessions.urls")),
    path("account/sessions/<int:key>/end", views.end_session, name="session-end"),
    path("account/single-sign-on/", include("allauth.socialaccount.urls")),
    path("account/", include("allauth.socialaccount.providers.openid_connect.urls")),
]
