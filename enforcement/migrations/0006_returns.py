from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('enforcement', '0005_check_handover'),
    ]

    operations = [
        migrations.AddField(
            model_name='dispatch',
            name='lead_at',
            field=models.DateTimeField(blank=True, help_text='of a helper that has taken the lead over; it finishes from here on', null=True, verbose_name='主办起于'),
        ),
        migrations.AddConstraint(
            model_name='dispatch',
            constraint=models.CheckConstraint(condition=models.Q(('lead_at', None), ('is_lead', True), _connector='OR'), name='dispatch_lead_since'),
        ),
        migrations.AddField(
            model_name='return',
            name='leader_text',
            field=models.CharField(blank=True, max_length=400, verbose_name='部门领导意见'),
        ),
    ]
