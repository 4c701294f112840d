from django.db import migrations


def keep_as_own(apps, schema_editor):
    """Who telephoned as a user that was nobody's own has it as her own from now on."""
    phones = apps.get_model("gateway", "PersonalPhone").objects
    subscribers = apps.get_model("directory", "Subscriber").objects
    for phone in phones.order_by("pk"):
        subscribers.filter(pk=phone.subscriber_id, person=None).update(person=phone.person_id)


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0002_origin_conflict"),
        ("directory", "0005_subscriber_person"),
    ]

    operations = [
        migrations.RunPython(keep_as_own, migrations.RunPython.noop, elidable=True),
        migrations.DeleteModel("PersonalPhone"),
    ]
