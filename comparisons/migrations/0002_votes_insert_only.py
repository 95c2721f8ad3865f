"""Votes are insert-only in the database itself, whoever writes to it."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

MESSAGE = "votes are insert-only"


def forbid_changes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in STATEMENTS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def allow_changes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    on_table = " ON comparisons_vote" if schema_editor.connection.vendor == "postgresql" else ""
    for event in ("update", "delete"):
        schema_editor.execute(f"DROP TRIGGER vote_no_{event}{on_table}")


STATEMENTS = {
    "sqlite": [
        f"CREATE TRIGGER vote_no_{event} BEFORE {event.upper()} ON comparisons_vote "
        f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        for event in ("update", "delete")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION votes_are_insert_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'restrict_violation'; END $$",
        *(
            f"CREATE TRIGGER vote_no_{event} BEFORE {event.upper()} ON comparisons_vote "
            "FOR EACH ROW EXECUTE FUNCTION votes_are_insert_only()"
            for event in ("update", "delete")
        ),
    ],
}


class Migration(migrations.Migration):
    dependencies = [("comparisons", "0001_initial")]

    operations = [migrations.RunPython(forbid_changes, allow_changes)]
