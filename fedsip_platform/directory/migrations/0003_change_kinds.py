"""What can change grows with the platform: the kinds are told by the triggers alone."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("directory", "0002_published")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE directory_change DROP CONSTRAINT directory_change_kind_check",
            "ALTER TABLE directory_change ADD CONSTRAINT directory_change_kind_check"
            " CHECK (kind IN ('domain', 'subscriber', 'translation', 'binding'))",
        ),
    ]
