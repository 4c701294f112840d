"""Addresses of the dashboard."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from .views import SignInView, home

urlpatterns = [
    path("", home, name="home"),
    path("sign-in", SignInView.as_view(), name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
]
