"""Triggers that stamp the register of providers: whoever changes it, by whatever statement, every process notices.

`register_stamps` has a row for each item of the taxonomy that somebody offers. A change to a provider gives the items
it offers new stamps. A stamp is random and means nothing but "not the same as before": unlike a counter it cannot come
back after a rollback, so what was read inside a transaction that was given up is never taken for the truth.

A table's triggers are dropped with it, and SQLite's batch migrations make tables anew: a migration that does so to a
watched table ends with `watch` for it once more.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

STAMP = {"sqlite": "lower(hex(randomblob(16)))", "postgresql": "replace(gen_random_uuid()::text, '-', '')"}
"""An expression for a new stamp, by database."""


def watch(connection: Connection, table: str, *, key: str = "provider_id", columns: tuple[str, ...] = ()) -> None:
    """From now on each change to `table` stamps the items of the provider that its column `key` names.

    Of an UPDATE, only one that sets one of `columns` counts (none given: any). In `provider_items` the row's own item
    is stamped; in `correspondents` those of the provider whose telephone it is.
    """
    unwatch(connection, table)
    for event in ("INSERT", "UPDATE", "DELETE"):
        for name in {"INSERT": ("NEW",), "DELETE": ("OLD",), "UPDATE": ("OLD", "NEW")}[event]:
            when = f"UPDATE OF {', '.join(columns)}" if event == "UPDATE" and columns else event
            _create(
                connection, table, f"{table}_stamp_{event}_{name}".lower(), when, _items(table, f"{name}.{key}", name)
            )


def unwatch(connection: Connection, table: str) -> None:
    """Drop what `watch` made."""
    for event, names in {"insert": ("new",), "delete": ("old",), "update": ("old", "new")}.items():
        for name in names:
            trigger = f"{table}_stamp_{event}_{name}"
            if connection.dialect.name == "sqlite":
                connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger}"))
            else:
                connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger} ON {table}"))
                connection.execute(text(f"DROP FUNCTION IF EXISTS {trigger}()"))


def _items(table: str, provider: str, row: str) -> str:
    if table == "correspondents":
        return (
            "SELECT DISTINCT i.item FROM provider_items i JOIN provider_phones p ON p.provider_id = i.provider_id "  # noqa: S608
            f"WHERE p.number = {provider}"
        )
    if table == "provider_items":
        return f"SELECT {row}.item AS item"
    return f"SELECT DISTINCT item FROM provider_items WHERE provider_id = {provider}"  # noqa: S608 - our own names


def _create(connection: Connection, table: str, trigger: str, when: str, items: str) -> None:
    stamp = STAMP[connection.dialect.name]
    # "WHERE true" keeps SQLite's parser from reading ON CONFLICT as the condition of a join.
    change = (
        f"INSERT INTO register_stamps (item, stamp) SELECT changed.item, {stamp} FROM ({items}) AS changed WHERE true "  # noqa: S608
        "ON CONFLICT (item) DO UPDATE SET stamp = excluded.stamp"
    )
    if connection.dialect.name == "sqlite":
        connection.execute(text(f"CREATE TRIGGER {trigger} AFTER {when} ON {table} BEGIN {change}; END"))
        return
    body = f"BEGIN {change}; RETURN NULL; END"
    connection.execute(text(f"CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS $stamp$ {body} $stamp$"))
    connection.execute(
        text(f"CREATE TRIGGER {trigger} AFTER {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {trigger}()")
    )
