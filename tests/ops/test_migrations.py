"""Two releases for what the running one would not survive: docs/operations.md, Upgrade.

While a release is rolled out, the old webs work on the new tables. A migration that takes away or narrows what they use,
or locks a large table, says in one line why that is safe now: `safe_because = "…"` on its class.
"""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# The last migrations of before the first release: no running one has to survive them, and their tables are empty where
# they are made, so that writing one anew (enforcement.0004_search) takes no time. Those that follow have to.
FIRST = {
    "records": "0007_reseal",
    "notifications": "0002_channel_rule",
    "townships": "0004_account",
    "enforcement": "0005_lot",
    "command_room": "0002_feedback",
}
ROOMS = {"portal", "command_room", "enforcement", "townships", "notifications", "records"}
TAKES_AWAY = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
)


def risks(migration: migrations.Migration, state: ProjectState) -> Iterator[str]:
    """What the running release or a large table would not take well; `state` is walked on."""
    fresh = set()
    for operation in migration.operations:
        before = state.clone()
        operation.state_forwards(migration.app_label, state)
        if isinstance(operation, migrations.CreateModel):
            fresh.add(operation.name_lower)
        elif (getattr(operation, "model_name", None) or "").lower() not in fresh:
            why = risk(operation, before, migration.app_label)
            if why:
                yield f"{migration.app_label}.{migration.name}: {type(operation).__name__} {operation.describe()}: {why}"


def risk(operation: Operation, before: ProjectState, room: str) -> str:
    if isinstance(operation, TAKES_AWAY):
        return "the running release still uses it"
    if isinstance(operation, migrations.AddField):
        return adding(operation.field)
    if isinstance(operation, migrations.AlterField):
        return narrowing(before.models[room, operation.model_name_lower].fields[operation.name], operation.field)
    if isinstance(operation, migrations.AddIndex) and not isinstance(operation, AddIndexConcurrently):
        return "writing waits until it is built: AddIndexConcurrently, atomic = False"
    if isinstance(operation, migrations.AddConstraint) and not isinstance(operation, AddConstraintNotValid):
        return "every row is checked under a lock: NOT VALID first, VALIDATE in the next release"
    return ""


def adding(field: models.Field) -> str:
    if isinstance(field, models.GeneratedField):
        return "the whole table is written anew under a lock: a plain column, filled in pieces"
    return "the running release does not fill it: null=True or db_default first" if must_be_given(field) else ""


def must_be_given(field: models.Field) -> bool:
    return not (field.null or field.many_to_many or field.has_db_default())


def narrowing(old: models.Field, new: models.Field) -> str:
    if old.null and not new.null:
        return "the running release still writes NULL"
    kinds = [field.db_type(connection) for field in (old, new)]
    if kinds[0] != kinds[1] and not (old.max_length and new.max_length and old.max_length < new.max_length):
        return f"rewrites the table: {kinds[0]} becomes {kinds[1]}"
    return ""


def all_risks() -> Iterator[tuple[migrations.Migration, list[str]]]:
    """Every migration of ours in its order."""
    loader = MigrationLoader(None)
    state = ProjectState()
    for room, name in loader.graph._generate_plan(loader.graph.leaf_nodes(), at_end=True):
        migration = loader.graph.nodes[room, name]
        if room in ROOMS:
            yield migration, list(risks(migration, state))
        else:
            migration.mutate_state(state, preserve=False)


def test_risky_migrations_say_why_they_are_safe() -> None:
    seen, unsaid = 0, []
    for migration, found in all_risks():
        seen += 1
        if migration.name <= FIRST.get(migration.app_label, ""):
            continue
        if found and not getattr(migration, "safe_because", ""):
            unsaid += found
    assert seen >= len(FIRST)
    assert not unsaid, "\n".join([*unsaid, "see docs/operations.md, Upgrade: two releases, or safe_because"])


def test_tables_written_anew_are_known_and_came_before_the_first_release() -> None:
    """With rows in them the search columns need a pause: docs/operations.md, Upgrade, says how long and how."""
    anew = {(m.app_label, m.name): found for m, found in all_risks() if any("written anew" in one for one in found)}
    assert set(anew) == {("enforcement", "0004_search")}
    assert all(name <= FIRST[room] for room, name in anew)
    assert "enforcement.0004_search" in (settings.BASE_DIR / "docs/operations.md").read_text()


def on_table(operation: Operation) -> list[str]:
    """What is found when a later migration does this to a table that is there."""
    state = ProjectState()
    made = migrations.CreateModel(
        "Thing",
        [("id", models.BigAutoField(primary_key=True)), ("old", models.CharField(max_length=10, null=True))],
    )
    made.state_forwards("records", state)
    migration = type("Migration", (migrations.Migration,), {"operations": [operation]})("0009_x", "records")
    return list(risks(migration, state))


INDEX = models.Index(fields=["old"], name="thing_old")
ANEW = models.GeneratedField(
    expression=models.F("old"), output_field=models.CharField(max_length=10, null=True), db_persist=True
)
LONGER, SHORTER = models.CharField(max_length=20, null=True), models.CharField(max_length=5, null=True)


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("Thing", "old"),
        migrations.RenameField("Thing", "old", "new"),
        migrations.DeleteModel("Thing"),
        migrations.AddField("Thing", "new", models.IntegerField(default=0)),  # Django takes the default away again
        migrations.AddField("Thing", "new", ANEW),
        migrations.AlterField("Thing", "old", models.CharField(max_length=10)),
        migrations.AlterField("Thing", "old", models.IntegerField(null=True)),
        migrations.AlterField("Thing", "old", SHORTER),
        migrations.AddIndex("Thing", INDEX),
        migrations.AddConstraint("Thing", models.CheckConstraint(condition=models.Q(old="x"), name="thing_x")),
    ],
)
def test_risky_operation_is_found(operation: Operation) -> None:
    assert len(on_table(operation)) == 1


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("Thing", "new", models.IntegerField(null=True)),
        migrations.AddField("Thing", "new", models.IntegerField(db_default=0)),
        migrations.AlterField("Thing", "old", LONGER),
        AddIndexConcurrently("Thing", INDEX),
        AddConstraintNotValid("Thing", models.CheckConstraint(condition=models.Q(old="x"), name="thing_x")),
        migrations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True))]),
    ],
)
def test_harmless_operation_passes(operation: Operation) -> None:
    assert on_table(operation) == []
