"""The constraint anew, for databases that were made when there were fewer scopes."""

from django.db import migrations, models

from fedsip_platform.api.areas import Scope


class Migration(migrations.Migration):

    dependencies = [('api', '0003_scopes')]

    operations = [
        migrations.RemoveConstraint(model_name='token', name='token_scopes_known'),
        migrations.AddConstraint(
            model_name='token',
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ('scopes__contained_by', list(Scope.values)), ('scopes__len__gt', 0)
                ),
                name='token_scopes_known',
            ),
        ),
    ]
