"""The audit log is insert-only in the database itself, whoever writes to it."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

MESSAGE = "the audit log is insert-only"


def forbid_changes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in STATEMENTS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def allow_changes(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    on_table = " ON people_auditentry" if schema_editor.connection.vendor == "postgresql" else ""
    for event in ("update", "delete"):
        schema_editor.execute(f"DROP TRIGGER audit_entry_no_{event}{on_table}")


STATEMENTS = {
    "sqlite": [
        f"CREATE TRIGGER audit_entry_no_{event} BEFORE {event.upper()} ON people_auditentry "
        f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        for event in ("update", "delete")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION audit_log_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'restrict_violation'; END $$",
        *(
            f"CREATE TRIGGER audit_entry_no_{event} BEFORE {event.upper()} ON people_auditentry "
            "FOR EACH ROW EXECUTE FUNCTION audit_log_is_insert_only()"
            for event in ("update", "delete")
        ),
    ],
}


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]

    operations = [migrations.RunPython(forbid_changes, allow_changes)]
