from django.db import models


class Serial(models.Model):
    """The last number given out for one kind, unit and day."""

    kind = models.CharField(max_length=4)
    unit_code = models.CharField(max_length=20)
    day = models.DateField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "unit_code", "day"], name="serial_once")]

    def __str__(self) -> str:
        return f"{self.kind}{self.unit_code}-{self.day:%Y%m%d}-{self.last:04d}"
