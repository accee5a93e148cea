"""The tables that `manage.py decide` knows. One more rule is one more module with its TABLE, and one more line here."""

from portal.decide import whistle, worktime
from portal.decide.cases import Table

TABLES: dict[str, Table] = {
    "worktime": worktime.TABLE,
    "whistle": whistle.TABLE,
}
