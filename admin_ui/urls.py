"""Addresses of the dashboard."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from .views import SignInView, home

urlpatterns = [
    path("", home, name="home"),
    path("sign-in", SignInView.as_view(), name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("favicon.ico", RedirectView.as_view(url=static("admin_ui/mark.svg"))),
]
