"""django-allauth's tables stay out of Django's admin: they hold what not even operators need."""

from __future__ import annotations

from django.apps import apps
from django.contrib import admin

for model in list(admin.site._registry):
    if apps.get_app_config(model._meta.app_label).name.startswith("allauth"):
        admin.site.unregister(model)
