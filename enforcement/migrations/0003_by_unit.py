from django.db import migrations


class Migration(migrations.Migration):
    """A department may whistle too: what was the township's column says by which unit."""

    dependencies = [("enforcement", "0002_provisional_indexes")]

    operations = [
        migrations.RenameField("whistle", "township", "by_unit"),
        migrations.RenameField("dispatch", "township", "by_unit"),
        migrations.RenameIndex("whistle", new_name="whistle_by_unit", old_name="whistle_township"),
        migrations.RenameIndex("dispatch", new_name="dispatch_by_unit", old_name="dispatch_township"),
    ]
