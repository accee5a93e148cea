"""Further seals of files, append-only as the files' own rows are."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('records', '0006_job_run'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reseal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key_id', models.CharField(help_text='tells keys apart and tells nothing about them', max_length=16, verbose_name='钥匙编号')),
                ('seal', models.CharField(max_length=64, verbose_name='封签')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='时间')),
                ('attachment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reseals', to='records.attachment')),
            ],
            options={
                'verbose_name': '换签',
                'verbose_name_plural': '换签',
                'constraints': [models.UniqueConstraint(fields=('attachment', 'key_id'), name='reseal_once')],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON records_reseal"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            "DROP TRIGGER append_only ON records_reseal",
        ),
    ]
