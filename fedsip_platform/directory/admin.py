"""Django's admin for domains, users and rules. Everything is written through services.py."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from fedsip_platform.admin_steps import adopt, changed, deletion_summary, try_out

from . import services
from .models import Domain, Subscriber, Translation, user_count

# Not on the page that adds something: it has none yet.
FACTS = ("Facts", {"fields": ("public_id", "created_at", "updated_at")})


class DomainForm(forms.ModelForm):
    class Meta:
        model = Domain
        fields = "__all__"

    def _post_clean(self) -> None:
        super()._post_clean()
        try_out(self, lambda: write_domain(self))


def write_domain(form: DomainForm) -> Domain:
    """Make or change what the form shows."""
    if form.instance.pk is None:
        return services.create_domain(**form.cleaned_data)
    return services.update_domain(Domain.objects.get(pk=form.instance.pk), **changed(form))


@admin.register(Domain)
class DomainAdmin(admin.ModelAdmin):
    form = DomainForm
    list_display = ("name", "tenant", "enabled", "users", "media_policy", "federation")
    list_filter = ("enabled", "unauthenticated", "media_policy", "srtp", "federation")
    search_fields = ("name", "tenant__name", "tenant__slug")
    autocomplete_fields = ("tenant",)
    list_select_related = ("tenant",)
    readonly_fields = ("public_id", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("tenant", "name", "enabled", "vouched", "note")}),
        ("Who may call", {"fields": ("federation", "federation_in", "hide_users")}),
        (
            "Calls with other domains, a minute",
            {
                "fields": (
                    *("stranger_methods", "calls_in_per_domain", "calls_in_per_stranger"),
                    *("calls_out_per_domain", "calls_out_per_user"),
                )
            },
        ),
        ("Open rooms", {"fields": ("unauthenticated", "unauthenticated_calls_out")}),
        ("Security", {"fields": ("require_tls", "srtp")}),
        (
            "Media and NAT",
            {"fields": ("media_policy", "codecs", "nat_keepalive", "nat_alias_contact")},
        ),
        ("Traces", {"fields": ("trace", "trace_days")}),
        ("Numbers and hours", {"fields": ("e164", "e164_country", "enum", "time_zone")}),
        (
            "Limits",
            {
                "fields": (
                    *("max_subscribers", "max_contacts"),
                    *("min_expires", "default_expires", "max_expires"),
                )
            },
        ),
        FACTS,
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [each for each in self.fieldsets if obj is not None or each is not FACTS]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Domain]:
        return super().get_queryset(request).annotate(user_count=user_count())

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields if obj is None else (*self.readonly_fields, "tenant")

    @admin.display(ordering="user_count")
    def users(self, domain: Any) -> int:
        return domain.user_count

    def save_model(self, request: HttpRequest, obj: Domain, form: Any, change: bool) -> None:
        adopt(obj, write_domain(form))

    def delete_model(self, request: HttpRequest, obj: Domain) -> None:
        services.delete_domain(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Domain]) -> None:
        for domain in queryset:
            services.delete_domain(domain)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return deletion_summary(
            objs,
            ("Users", lambda domain: domain.subscribers.count()),
            ("Rules", lambda domain: domain.translations.count()),
        )


class SubscriberForm(forms.ModelForm):
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="For the phone. Only hashes of it are kept: it cannot be shown later.",
    )

    class Meta:
        model = Subscriber
        fields = (
            *("domain", "username", "password", "display_name", "enabled"),
            *("max_contacts", "max_calls", "media_policy", "srtp", "codecs", "note"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.fields["password"].required = False
            self.fields["password"].label = "New password"
            self.fields["password"].help_text = "Leave it empty to keep the present one."

    def _post_clean(self) -> None:
        super()._post_clean()
        try_out(self, lambda: write_subscriber(self))


def write_subscriber(form: SubscriberForm) -> Subscriber:
    """Make or change what the form shows."""
    if form.instance.pk is None:
        return services.create_subscriber(**form.cleaned_data)
    fields = changed(form)
    password = fields.pop("password", None) or None
    kept = Subscriber.objects.select_related("domain").get(pk=form.instance.pk)
    return services.update_subscriber(kept, new_password=password, **fields)


@admin.register(Subscriber)
class SubscriberAdmin(admin.ModelAdmin):
    form = SubscriberForm
    list_display = ("aor", "display_name", "enabled", "password_changed_at", "created_at")
    list_filter = ("enabled",)
    search_fields = ("aor", "display_name")
    search_help_text = "Part of the address or of the name."
    autocomplete_fields = ("domain",)
    show_full_result_count = False
    readonly_fields = ("public_id", "password_changed_at", "created_at", "updated_at")
    actions = ("disable", "enable")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else (*self.readonly_fields, "domain", "username")

    def save_model(self, request: HttpRequest, obj: Subscriber, form: Any, change: bool) -> None:
        adopt(obj, write_subscriber(form))

    def delete_model(self, request: HttpRequest, obj: Subscriber) -> None:
        services.delete_subscriber(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> None:
        for subscriber in queryset:
            services.delete_subscriber(subscriber)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return deletion_summary(
            objs, ("Registrations", lambda user: user.bindings.filter(deleted=False).count())
        )

    @admin.action(description="Disable: sign phones out and let them not in again")
    def disable(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> None:
        for subscriber in queryset.select_related("domain"):
            services.disable_subscriber(subscriber)
        messages.success(request, "Disabled; their phones are signed out.")

    @admin.action(description="Enable")
    def enable(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> None:
        for subscriber in queryset.select_related("domain"):
            services.enable_subscriber(subscriber)
        messages.success(request, "Enabled; their phones may register again.")


class TranslationForm(forms.ModelForm):
    class Meta:
        model = Translation
        fields = "__all__"

    def _post_clean(self) -> None:
        super()._post_clean()
        try_out(self, lambda: write_translation(self))


def write_translation(form: TranslationForm) -> Translation:
    """Make or change what the form shows."""
    if form.instance.pk is None:
        return services.create_translation(**form.cleaned_data)
    kept = Translation.objects.get(pk=form.instance.pk)
    return services.update_translation(kept, **changed(form))


@admin.register(Translation)
class TranslationAdmin(admin.ModelAdmin):
    form = TranslationForm
    list_display = (
        *("domain", "priority", "weight", "match_regex", "tran_user", "tran_domain", "enabled"),
        "note",
    )
    list_display_links = ("domain", "match_regex")
    list_filter = ("enabled",)
    search_fields = ("domain__name", "match_regex", "tran_user", "tran_domain", "note")
    autocomplete_fields = ("domain",)
    list_select_related = ("domain",)
    readonly_fields = ("public_id", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("domain", "enabled", "note", "priority", "weight")}),
        (
            "When all of these match",
            {
                "fields": (
                    *("from_username", "match_user_agent", "match_regex", "request_domain"),
                    *("valid_from", "valid_until", "hours"),
                )
            },
        ),
        (
            "Then",
            {
                "fields": (
                    *("tran_user", "tran_strip", "tran_prefix", "tran_domain", "tran_port"),
                    *("tran_strip_port", "tran_trunk", "tran_add_header", "tran_remove_header"),
                    *("tran_from_user", "tran_from_display"),
                )
            },
        ),
        FACTS,
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [each for each in self.fieldsets if obj is not None or each is not FACTS]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields if obj is None else (*self.readonly_fields, "domain")

    def save_model(self, request: HttpRequest, obj: Translation, form: Any, change: bool) -> None:
        adopt(obj, write_translation(form))

    def delete_model(self, request: HttpRequest, obj: Translation) -> None:
        services.delete_translation(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Translation]) -> None:
        for translation in queryset:
            services.delete_translation(translation)
