"""The events that were there before the columns were."""

from django.db import migrations

TIED = """
UPDATE enforcement_event SET has_ties = true
WHERE id IN (SELECT event_id FROM enforcement_handover)
   OR id IN (SELECT merged_into_id FROM enforcement_event WHERE merged_into_id IS NOT NULL);
UPDATE enforcement_event SET offered_to_id = asked.to_township_id
FROM enforcement_handover asked WHERE asked.event_id = enforcement_event.id AND asked.state = 'asked';
"""


class Migration(migrations.Migration):
    dependencies = [("enforcement", "0002_event_ties")]

    operations = [migrations.RunSQL(TIED, migrations.RunSQL.noop)]
