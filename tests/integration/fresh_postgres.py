"""One PostgreSQL database for one test after another: emptied in between, made anew only when its shape was changed.

Copying a template takes half a second a test on two cores, emptying the few tables that were filled some milliseconds.
"""

from __future__ import annotations

import itertools

import psycopg
from psycopg import Connection

from tools.postgres import PostgresServer

_number = itertools.count(1)

# Rows that the migrations made, and where the sequences stood, are kept in a schema of their own.
_KEEP = """
DO $$ DECLARE t record; filled boolean; BEGIN
  CREATE SCHEMA as_migrated;
  FOR t IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', t.name) INTO filled;
    IF filled THEN EXECUTE format('CREATE TABLE as_migrated.%I AS TABLE public.%I', t.name, t.name); END IF;
  END LOOP;
  CREATE TABLE as_migrated."sequences of public" AS
    SELECT sequencename AS name, start_value AS start, last_value AS last FROM pg_sequences WHERE schemaname = 'public';
END $$
"""
_RESTORE = """
DO $$ DECLARE t record; filled boolean; BEGIN
  SET LOCAL session_replication_role = replica;  -- neither foreign keys nor triggers: all rows go
  FOR t IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', t.name) INTO filled;
    IF filled THEN EXECUTE format('DELETE FROM public.%I', t.name); END IF;
    IF to_regclass(format('as_migrated.%I', t.name)) IS NOT NULL THEN
      EXECUTE format('INSERT INTO public.%I OVERRIDING SYSTEM VALUE TABLE as_migrated.%I', t.name, t.name);
    END IF;
  END LOOP;
  FOR t IN SELECT * FROM as_migrated."sequences of public" LOOP
    PERFORM setval(format('public.%I', t.name)::regclass, coalesce(t.last, t.start), t.last IS NOT NULL);
  END LOOP;
END $$
"""
_SHAPE = """
SELECT (SELECT array[count(*), max(oid::bigint), sum(relnatts)] FROM pg_class
          WHERE relnamespace = 'public'::regnamespace),
       (SELECT array[count(*), max(oid::bigint)] FROM pg_constraint),
       (SELECT array[count(*), max(oid::bigint)] FROM pg_trigger),
       (SELECT array[count(*), max(oid::bigint)] FROM pg_proc),
       (SELECT array_agg(attname::text || attnotnull::text || atttypmod::text ORDER BY attrelid, attnum)
          FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace))
"""


class FreshPostgres:
    """`take()` gives the name of a database as the migrations leave it; `give_back()` when the test is over."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server, self._template = server, template
        self._name = ""
        self._shape: object = None
        with psycopg.connect(server.conninfo(template), autocommit=True) as connection:
            connection.execute(_KEEP)

    def take(self) -> str:
        if not self._name:
            self._name = f"test_{next(_number)}"
            self._in_server(f"CREATE DATABASE {self._name} TEMPLATE {self._template}")
            with psycopg.connect(self._server.conninfo(self._name), autocommit=True) as connection:
                self._shape = _shape(connection)
        return self._name

    def give_back(self) -> None:
        self._in_server(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")
        with psycopg.connect(self._server.conninfo(self._name), autocommit=True) as connection:
            same = _shape(connection) == self._shape
            if same:
                connection.execute(_RESTORE)
        if not same:
            self._in_server(f"DROP DATABASE {self._name} WITH (FORCE)")
            self._name = ""

    def _in_server(self, statement: str) -> None:
        with psycopg.connect(self._server.conninfo(), autocommit=True) as connection:
            connection.execute(statement)


def _shape(connection: Connection[tuple[object, ...]]) -> object:
    return connection.execute(_SHAPE).fetchone()
