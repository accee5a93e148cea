import re
from pathlib import Path

from celery import current_app
from django.conf import settings

ROOMS = ("portal", "records", "notifications", "townships", "enforcement", "command_room")


def test_every_task_that_is_started_by_name_is_registered() -> None:
    current_app.loader.import_default_modules()
    sources = [file.read_text() for room in ROOMS for file in (settings.BASE_DIR / room).rglob("*.py")]
    named = {name for source in sources for name in re.findall(r'send_task\(\s*"([^"]+)"', source)}
    named |= {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {"notifications.deliver", "notifications.sweep"} <= named
    assert named <= set(current_app.tasks)


def test_messages_have_a_queue_of_their_own() -> None:
    route = current_app.amqp.router.route({}, "notifications.deliver")
    assert route["queue"].name == "messages"
    assert current_app.amqp.router.route({}, "records.anything")["queue"].name == "jobs"


def test_a_task_is_five_lines_at_most() -> None:
    source = Path(settings.BASE_DIR / "notifications" / "tasks.py").read_text()
    bodies = source.split("@shared_task")[1:]
    assert all(len(body.strip().splitlines()) <= 5 for body in bodies)
