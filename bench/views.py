"""The bare twin of a page: the same middleware and log-in, one indexed query, a plain table of as many rows."""

from django.http import HttpRequest, HttpResponse
from django.template import engines

from enforcement.models import Dispatch, Event, Whistle

MODELS = {"event": Event, "whistle": Whistle, "dispatch": Dispatch}
TABLE = engines["django"].from_string(
    "<table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>"
)
OWNER = {"event": "township_id", "whistle": "by_unit_id", "dispatch": "department_id"}
CELLS = {
    "event": ("number", "title", "state", "place", "township__short_name", "reported_at", "next_due"),
    "whistle": ("number", "title", "state", "kind", "by_unit__short_name", "submitted_at", "next_due"),
    "dispatch": ("number", "event__title", "state", "is_lead", "by_unit__short_name", "sent_at", "next_due"),
}


def bare(request: HttpRequest, table: str, rows: int) -> HttpResponse:
    found = MODELS[table].objects.filter(**{OWNER[table]: request.user.acting.unit_id}).order_by("-id")
    return HttpResponse(TABLE.render({"rows": found.values_list(*CELLS[table])[:rows]}, request))
