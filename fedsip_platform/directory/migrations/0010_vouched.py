from django.db import migrations, models


class Migration(migrations.Migration):
    """An operator's word for a domain; what has been served so far goes on being served."""

    dependencies = [("directory", "0009_ownership")]

    operations = [
        migrations.AddField(
            model_name="domain",
            name="vouched",
            field=models.BooleanField(
                db_default=True,
                default=False,
                help_text="An operator's word that the domain is its tenant's; "
                "it is served without proof.",
            ),
        ),
        migrations.AlterField(
            model_name="domain",
            name="vouched",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="An operator's word that the domain is its tenant's; "
                "it is served without proof.",
            ),
        ),
    ]
