import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """No escalation has been written before this: the columns need no default."""

    dependencies = [
        ('enforcement', '0006_returns'),
        ('townships', '0002_unit_return_needs_leader'),
    ]

    operations = [
        migrations.AddField(
            model_name='escalation',
            name='since',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='起算'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='escalation',
            name='limit',
            field=models.CharField(default='', help_text='in words, as on that day', max_length=40, verbose_name='时限'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='escalation',
            name='by_unit',
            field=models.ForeignKey(default=None, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='townships.unit', verbose_name='吹哨单位'),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name='escalation',
            index=models.Index(fields=['by_unit', '-id'], name='escalation_by_unit'),
        ),
    ]
