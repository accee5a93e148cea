"""A table as large as asked for, filled inside the database. Open work is the same at every size: only history grows."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle
from uuid import uuid4

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from enforcement.models import Category, Dispatch, Event, Whistle
from townships.models import Post, Role, Unit, User

OPEN = 900  # events still open, over all townships
GUIDANCE, ADMIN = "zdb-0", "city-admin-0"
STAFF = {Role.GRID: 1, Role.DUTY: 1, Role.LEADER: 1, Role.OFFICER: 2}

EVENTS = """
INSERT INTO enforcement_event (number, township_id, category_id, title, place, facts, is_urgent, source, outside_number,
  state, reported_at, reported_by_id, verified_at, verified_by_id, closed_at, closed_by_id, result, dismissal,
  accept_due, squad_at, squad_unit, squad_amount, squad_due, next_due, provisional, request_id, changed_at)
SELECT '事' || t.code || '-' || to_char(b.at, 'YYYYMMDD') || '-' || i, t.id, c.id, c.name || '：沿街第' || i %% 300 || '号',
  t.short_name || '东街' || i %% 300 || '号门前' || CASE WHEN i %% 5003 = 0 THEN '废品收购站旁' ELSE '' END,
  repeat('巡查发现占道堆放，影响通行，已劝导未果。', 3), i %% 20 = 0, 'grid', '',
  b.state, b.at, t.reporter, CASE WHEN b.state <> 'reported' THEN b.at END, CASE WHEN b.state <> 'reported' THEN t.desk END,
  CASE WHEN b.state = 'settled' THEN b.at + interval '2 days' END, CASE WHEN b.state = 'settled' THEN t.desk END,
  CASE WHEN b.state = 'settled' THEN '已清理' ELSE '' END, '', b.at + interval '2 hours',
  CASE WHEN b.state = 'squad' THEN b.at END, CASE WHEN b.state = 'squad' THEN 'work_days' ELSE '' END,
  CASE WHEN b.state = 'squad' THEN 3 END, CASE WHEN b.state = 'squad' THEN b.at + interval '3 days' END,
  CASE WHEN b.state IN ('reported', 'squad') THEN b.at + interval '2 hours' END, '{}', gen_random_uuid(), b.at
FROM generate_series(1, %(size)s) i
JOIN bench_township t ON t.place = i %% 15
JOIN bench_category c ON c.place = i %% (SELECT count(*) FROM bench_category)
CROSS JOIN LATERAL (SELECT now() - (%(size)s - i) * interval '10 minutes' AS at, CASE
  WHEN i <= %(size)s - %(open)s THEN 'settled'
  WHEN (i / 15) %% 3 = 0 THEN 'reported' WHEN (i / 15) %% 3 = 1 THEN 'whistled' ELSE 'squad' END AS state) b
"""

WHISTLES = """
INSERT INTO enforcement_whistle (number, event_id, by_unit_id, kind, title, facts, why, why_text, departments, state,
  submitted_at, submitted_by_id, sent_at, approved_at, approved_by_id, approve_due, rejection, finish_due, eval_due,
  next_due, closed_at, closed_by_id, provisional, request_id, changed_at, area, assemble_place, tasks, withdrawal)
SELECT replace(e.number, '事', '哨'), e.id, e.township_id, 'routine', e.title, e.facts, 'no_power', '',
  jsonb_build_array(a.id, b.id), s.state, e.reported_at, t.desk,
  s.sent, s.sent, CASE WHEN s.sent IS NOT NULL THEN t.desk END, e.reported_at + interval '2 hours', '',
  s.sent + interval '9 days', s.sent + interval '12 days',
  CASE WHEN s.state <> 'closed' THEN now() + (e.id %% 96 - 24) * interval '1 hour' END,
  CASE WHEN s.state = 'closed' THEN e.closed_at END, CASE WHEN s.state = 'closed' THEN t.desk END,
  '{}', gen_random_uuid(), e.changed_at, '', '', '{}', ''
FROM enforcement_event e JOIN bench_township t ON t.id = e.township_id
JOIN bench_department a ON a.place = e.id %% 33 JOIN bench_department b ON b.place = (e.id + 7) %% 33
CROSS JOIN LATERAL (SELECT CASE WHEN e.state = 'settled' THEN 'closed'
  ELSE (ARRAY['submitted', 'signing', 'signed', 'handling', 'reported'])[e.id %% 5 + 1] END AS state) p
CROSS JOIN LATERAL (SELECT p.state, CASE WHEN p.state <> 'submitted' THEN e.reported_at END AS sent) s
WHERE e.state = 'whistled' OR (e.state = 'settled' AND e.id %% 3 = 0)
"""

DISPATCHES = """
INSERT INTO enforcement_dispatch (number, whistle_id, event_id, by_unit_id, department_id, is_lead, state, sent_at,
  sign_due, arrive_due, finish_due, next_due, signed_at, signed_by_id, arrived_at, arrived_by_id, reported_at,
  first_reported_at, rework_reason, closed_at, provisional, changed_at, task, suspended_from, tags, rating_text)
SELECT w.number || '/' || d.place, w.id, w.event_id, w.by_unit_id, d.department, d.place = 1, s.state, w.sent_at,
  w.sent_at + interval '4 hours', w.sent_at + interval '1 day', CASE WHEN d.place = 1 THEN w.finish_due END,
  CASE WHEN s.step < 3 THEN w.next_due END,
  CASE WHEN s.step >= 1 THEN w.sent_at + interval '1 hour' END, CASE WHEN s.step >= 1 THEN l.liaison END,
  CASE WHEN s.step >= 2 THEN w.sent_at + interval '3 hours' END, CASE WHEN s.step >= 2 THEN l.liaison END,
  CASE WHEN s.step >= 3 THEN w.sent_at + interval '1 day' END, CASE WHEN s.step >= 3 THEN w.sent_at + interval '1 day' END,
  '', w.closed_at, '{}', w.changed_at, '', '', '{}', ''
FROM enforcement_whistle w
CROSS JOIN LATERAL (SELECT value::int AS department, ordinality AS place
  FROM jsonb_array_elements_text(w.departments) WITH ORDINALITY) d
JOIN bench_department l ON l.id = d.department
CROSS JOIN LATERAL (SELECT * FROM (VALUES ('signing', 'sent', 0), ('signed', 'signed', 1), ('handling', 'arrived', 2),
  ('reported', 'reported', 3), ('closed', 'closed', 4)) v(whistle, state, step) WHERE v.whistle = w.state) s
"""

ENTRIES = """
INSERT INTO records_entry (target_type_id, target_id, verb, what, stage, from_state, to_state, by_id, by_office, data, at)
SELECT %(type)s, id, 'step' || k, '第' || k || '步', 'handle', '', state, NULL, '系统', '{{}}', changed_at
FROM {table}, generate_series(1, 3) k
"""


def base() -> None:
    """Reference data, the staff of each township, two liaisons a department, who sees the city and who administers; the
    helper tables of the large fill."""
    call_command("load_reference")
    for township in Unit.objects.townships():
        for role, many in STAFF.items():
            for place in range(many):
                _person(f"{township.code}-{role}-{place}", township, role)
    for department in Unit.objects.departments():
        for place in range(2):
            _person(f"{department.code}-{place}", department, Role.LIAISON)
    _person(GUIDANCE, Unit.objects.get(code="zdb"), Role.GUIDANCE)
    _person(ADMIN, Unit.objects.get(code="city"), Role.ADMIN)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_township AS SELECT row_number() OVER (ORDER BY u.code) - 1 AS place, u.id, u.code,"
            " u.short_name, r.user_id AS reporter, d.user_id AS desk FROM townships_unit u"
            " JOIN townships_post r ON r.unit_id = u.id AND r.role = 'grid'"
            " JOIN townships_post d ON d.unit_id = u.id AND d.role = 'duty'"
        )
        cursor.execute(
            "CREATE TABLE bench_department AS SELECT row_number() OVER (ORDER BY u.code) - 1 AS place, u.id,"
            " min(p.user_id) AS liaison FROM townships_unit u JOIN townships_post p ON p.unit_id = u.id"
            " WHERE p.role = 'liaison' GROUP BY u.id, u.code"
        )
        cursor.execute(
            "CREATE TABLE bench_category AS SELECT row_number() OVER (ORDER BY code) - 1 AS place, id, name"
            " FROM enforcement_category WHERE parent_id IS NOT NULL"
        )


def fill(size: int) -> None:
    """`size` events, a third of them with a whistle to two departments, three timeline entries each."""
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, {"size": size, "open": OPEN})
        cursor.execute(WHISTLES, {})
        cursor.execute(DISPATCHES, {})
        for model in (Event, Whistle, Dispatch):
            content_type = ContentType.objects.get_for_model(model).pk
            cursor.execute(ENTRIES.format(table=model._meta.db_table), {"type": content_type})
        cursor.execute("VACUUM ANALYZE")


def urgent_events(townships: Sequence[Unit], many: int) -> list[Event]:
    """So many fresh urgent events, one for each township in turn."""
    category, now = Category.objects.exclude(parent=None)[0], timezone.now()
    reporters = {user.username: user for user in User.objects.filter(posts__role="grid")}
    return Event.objects.bulk_create(
        Event(
            number=f"事B{index}",
            township=township,
            category=category,
            title="化工仓库异味",
            place="工业园 3 号仓库",
            facts="群众反映刺鼻气味",
            is_urgent=True,
            reported_by=reporters[f"{township.code}-grid-0"],
            accept_due=now + timedelta(minutes=30),
            next_due=now + timedelta(minutes=30),
            request_id=uuid4(),
        )
        for index, township in zip(range(many), cycle(townships), strict=False)
    )


def readers(many: int, groups: Sequence[str]) -> list[User]:
    """So many people, each with a mail; two of each department with a robot are its liaisons, and hear by the robot."""
    found = [
        User.objects.create(username=f"reader-{place}", name="读者", email=f"reader-{place}@demo.invalid")
        for place in range(many)
    ]
    for user, unit in zip(found, [*Unit.objects.filter(code__in=groups)] * 2, strict=False):
        Post.objects.create(user=user, unit=unit, role=Role.LIAISON)
    return found


def _person(username: str, unit: Unit, role: str) -> None:
    user = User.objects.create(
        username=username, name=username, email=f"{username}@demo.invalid", must_change_password=False
    )
    Post.objects.create(user=user, unit=unit, role=role)
