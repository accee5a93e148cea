"""Numbers such as 哨330683102-20261124-0007: kind, unit, day and a daily serial without gaps."""

from datetime import date

from django.db import connection


def next_number(kind: str, unit_code: str, day: date) -> str:
    """The next number; the serial's row stays locked until the caller's transaction ends, so that none is given twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO records_serial (kind, unit_code, day, last) VALUES (%s, %s, %s, 1)"
            " ON CONFLICT (kind, unit_code, day) DO UPDATE SET last = records_serial.last + 1 RETURNING last",
            [kind, unit_code, day],
        )
        (last,) = cursor.fetchone()
    return f"{kind}{unit_code}-{day:%Y%m%d}-{last:04d}"
