"""Django's admin for tenants and people; operators alone see it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    BaseUserCreationForm,
    UserChangeForm,
)
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from fedsip_platform import changes
from fedsip_platform.admin_steps import adopt, changed, deletion_summary, try_out
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory import services
from fedsip_platform.people import services as people

from .models import Membership, Person, Tenant

admin.site.unregister(Group)  # roles are memberships


class MembershipFormSet(BaseInlineFormSet):
    """Roles as the page has them, written by the services: they look after the last owner."""

    def clean(self) -> None:
        super().clean()
        if self.is_bound and not any(self.errors) and self.instance.pk is not None:
            try:
                with transaction.atomic():
                    self.write()
                    transaction.set_rollback(True)
            except ServiceError as error:
                raise ValidationError(error.reason) from error

    def save(self, commit: bool = True) -> list[Membership]:
        self.new_objects, self.changed_objects, self.deleted_objects = [], [], []
        return self.write()

    def write(self) -> list[Membership]:
        """Take people out, change their roles, and let new ones in."""
        gone = {form.instance.pk for form in self.deleted_forms}
        for form in self.initial_forms:
            earlier = Membership.objects.get(pk=form.instance.pk)
            if form.instance.pk in gone or {"person", "tenant"} & set(form.changed_data):
                people.leave(earlier)
        return [
            people.join(form.instance.tenant, form.instance.person, form.cleaned_data["role"])
            for form in self.forms
            if form.has_changed() and form not in self.deleted_forms
        ]


class MembershipInline(admin.TabularInline):
    model = Membership
    formset = MembershipFormSet
    extra = 0
    autocomplete_fields = ("person", "tenant")


class TenantForm(forms.ModelForm):
    class Meta:
        model = Tenant
        fields = (
            "name",
            "slug",
            "enabled",
            "max_domains",
            "max_subscribers",
            "max_rules",
            "max_calls",
            "max_calls_per_second",
            "require_mfa",
        )

    def _post_clean(self) -> None:
        super()._post_clean()
        try_out(self, lambda: write_tenant(self))


def write_tenant(form: TenantForm) -> Tenant:
    """Make or change what the form shows."""
    if form.instance.pk is None:
        return services.create_tenant(**form.cleaned_data)
    return services.update_tenant(Tenant.objects.get(pk=form.instance.pk), **changed(form))


@admin.register(Tenant)
class TenantAdmin(admin.ModelAdmin):
    form = TenantForm
    inlines = (MembershipInline,)
    list_display = ("name", "slug", "enabled", "domains", "created_at")
    list_filter = ("enabled",)
    search_fields = ("name", "slug")
    readonly_fields = ("public_id", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else self.readonly_fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        return super().get_queryset(request).annotate(domain_count=Count("domains"))

    @admin.display(ordering="domain_count")
    def domains(self, tenant: Any) -> int:
        return tenant.domain_count

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        adopt(obj, write_tenant(form))

    def delete_model(self, request: HttpRequest, obj: Tenant) -> None:
        services.delete_tenant(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        for tenant in queryset:
            services.delete_tenant(tenant)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return deletion_summary(objs, ("Domains", lambda tenant: tenant.domains.count()))


class PasswordForm(AdminPasswordChangeForm):
    def save(self, commit: bool = True) -> Person:
        return changes.save(super().save(commit=False), ["password"])


class PersonCreationForm(BaseUserCreationForm):
    class Meta:
        model = Person
        fields = ("email",)


@admin.register(Person)
class PersonAdmin(UserAdmin):
    form = UserChangeForm
    add_form = PersonCreationForm
    change_password_form = PasswordForm
    inlines = (MembershipInline,)
    list_display = ("email", "name", "is_operator", "is_active", "last_login")
    list_filter = ("is_operator", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("public_id", "last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("May", {"fields": ("is_active", "is_operator")}),
        ("Facts", {"fields": ("public_id", "last_login", "created_at")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "is_operator", "password1", "password2")}),
    )

    def save_model(self, request: HttpRequest, obj: Person, form: Any, change: bool) -> None:
        changes.save(obj)

    def delete_model(self, request: HttpRequest, obj: Person) -> None:
        changes.delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Person]) -> None:
        for person in queryset:
            changes.delete(person)
