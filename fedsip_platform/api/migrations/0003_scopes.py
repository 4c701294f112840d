import django.contrib.postgres.fields
from django.db import migrations, models

import fedsip_platform.api.models
from fedsip_platform.api.areas import Scope


class Migration(migrations.Migration):

    dependencies = [('api', '0002_remembered')]

    operations = [
        migrations.AddField(
            model_name='token',
            name='scopes',
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=Scope.choices, max_length=20),
                default=fedsip_platform.api.models.read_only,
                help_text='What it may do.',
                size=None,
            ),
        ),
        migrations.RunSQL("UPDATE api_token SET scopes = ARRAY[scope]", migrations.RunSQL.noop),
        # The update leaves deferred checks behind, and a table cannot change while any wait.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name='token', name='token_scope_known'),
        migrations.RemoveField(model_name='token', name='scope'),
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
