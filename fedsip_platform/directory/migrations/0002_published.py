"""The tables without models by which proxies follow the directory."""

from django.db import migrations

from fedsip_platform.directory import published


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0001_initial"),
        ("tenants", "0001_initial"),
        ("location", "0001_initial"),
        ("calls", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(published.create_tables, published.drop_tables),
    ]
