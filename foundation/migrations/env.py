"""Run by Alembic: opens the database and runs the migrations in one transaction."""

from alembic import context

from foundation.database import Database
from foundation.tables import Base

database = Database(context.config.attributes["url"])
try:
    with database.write_engine.begin() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        context.run_migrations()
finally:
    database.dispose()
