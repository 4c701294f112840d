"""Words of users' names in an index of their own: directory/finding.py searches there.

Array and cast are plain PostgreSQL, with no extension and no dictionary: a name in any script is
found by the beginnings of what stands between spaces and ASCII punctuation.
"""

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models

from fedsip_platform.directory.finding import BETWEEN_WORDS, NameWords

WORDS = f"""
CREATE FUNCTION directory_name_words(name text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN array_to_tsvector(
    array_remove(regexp_split_to_array(lower(name), '{BETWEEN_WORDS}'), '')
)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('directory', '0010_vouched'),
    ]

    operations = [
        migrations.RunSQL(WORDS, "DROP FUNCTION directory_name_words(text)"),
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(fields=['display_name', 'id'], name='subscriber_by_display_name'),
        ),
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(fields=['created_at', 'id'], name='subscriber_by_creation'),
        ),
        migrations.AddIndex(
            model_name='subscriber',
            index=GinIndex(NameWords('display_name'), name='subscriber_by_name_words'),
        ),
    ]
