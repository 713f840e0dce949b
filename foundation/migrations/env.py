"""Run by Alembic: opens the database and runs the migrations in one transaction."""

from typing import Any

from alembic import context
from sqlalchemy import event

from foundation.database import Database
from foundation.tables import Base


def _without_foreign_keys(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys=OFF")


database = Database(context.config.attributes["url"])
if database.dialect == "sqlite":
    # A table that is made anew is dropped in between, and its children must not go with it.
    event.listen(database.write_engine, "connect", _without_foreign_keys)
try:
    with database.write_engine.begin() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        context.run_migrations()
        if database.dialect == "sqlite" and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
            raise RuntimeError(f"the migration would leave rows without what they refer to: {tuple(broken)}")
finally:
    database.dispose()
