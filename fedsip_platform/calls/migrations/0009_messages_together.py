"""Messages of a call lie together in one row, as proxy/observe/message_frames.py has them.

Each that was kept before becomes a row with one message. Its table is written anew, once, while
proxies wait with theirs. Going back forgets messages: a row may have several by then.
"""

from django.db import migrations, models

# Neither compressed nor put elsewhere before a row fills a page: to compress a call's messages
# takes PostgreSQL longer than to write them.
FORWARDS = r"""
ALTER TABLE calls_callmessage
    ALTER COLUMN remote TYPE text USING protocol || ' ' || local || ' ' || remote,
    ALTER COLUMN text DROP DEFAULT,
    ALTER COLUMN text TYPE bytea USING
        int8send((extract(epoch FROM at) * 1000000)::bigint)
        || CASE way WHEN 'out' THEN '\x01'::bytea ELSE '\x00'::bytea END
        || '\x0000'::bytea
        || int4send(size)
        || int4send(octet_length(convert_to(text, 'UTF8')))
        || convert_to(text, 'UTF8'),
    ALTER COLUMN text SET STORAGE EXTERNAL,
    SET (toast_tuple_target = 8160);
ALTER TABLE calls_callmessage
    DROP COLUMN way, DROP COLUMN protocol, DROP COLUMN local, DROP COLUMN size;
ALTER TABLE calls_callmessage RENAME COLUMN remote TO flows;
ALTER TABLE calls_callmessage RENAME COLUMN text TO messages;
ALTER TABLE calls_callmessage RENAME TO calls_keptmessages;
"""
BACKWARDS = """
TRUNCATE calls_keptmessages;
ALTER TABLE calls_keptmessages RENAME TO calls_callmessage;
ALTER TABLE calls_callmessage RENAME COLUMN flows TO remote;
ALTER TABLE calls_callmessage
    DROP COLUMN messages,
    ADD COLUMN text text DEFAULT '' NOT NULL,
    ADD COLUMN way text NOT NULL,
    ADD COLUMN protocol text DEFAULT '' NOT NULL,
    ADD COLUMN local text DEFAULT '' NOT NULL,
    ADD COLUMN size integer DEFAULT 0 NOT NULL,
    RESET (toast_tuple_target);
"""


class Migration(migrations.Migration):
    dependencies = [("calls", "0008_hops")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARDS, BACKWARDS)],
            state_operations=[
                migrations.RenameModel("CallMessage", "KeptMessages"),
                migrations.RemoveField("keptmessages", "way"),
                migrations.RemoveField("keptmessages", "protocol"),
                migrations.RemoveField("keptmessages", "local"),
                migrations.RemoveField("keptmessages", "size"),
                migrations.RenameField("keptmessages", "remote", "flows"),
                migrations.RemoveField("keptmessages", "text"),
                migrations.AddField("keptmessages", "messages", models.BinaryField(default=b"")),
                migrations.AlterField("keptmessages", "messages", models.BinaryField()),
                migrations.AlterModelOptions(
                    "keptmessages",
                    {
                        "ordering": ["at", "id"],
                        "verbose_name": "messages of a call",
                        "verbose_name_plural": "messages of calls",
                    },
                ),
            ],
        ),
    ]
