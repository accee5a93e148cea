import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enforcement", "0001_tables"), ("townships", "0001_tables")]

    operations = [
        migrations.AddField(
            "event",
            "has_ties",
            models.BooleanField(
                db_default=False,
                default=False,
                help_text="it was offered to a neighbour, or others are merged into it",
            ),
        ),
        migrations.AddField(
            "event",
            "offered_to",
            models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="移交: whose answer is awaited",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="townships.unit",
            ),
        ),
        migrations.AddIndex(
            "event",
            models.Index(
                condition=models.Q(("offered_to__isnull", False)), fields=["offered_to"], name="event_offered"
            ),
        ),
    ]
