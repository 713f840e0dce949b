"""The floor of press to screen, a program of its own: bare AMI socket, one durable commit, bare event stream and page.

`python -m bench.bare_alarm` reads one JSON object from standard input: `host`, `port`, `user`, `secret` of the
exchange's AMI, `database` (a migrated SQLite file that holds the district) and `rows`, what the product's own command
writes for one press: a list of `[table, {column: value}]`. It prints the port of its page.

For each press heard it commits the same rows, under new ids, on one plain `sqlite3` connection with the product's
settings (WAL, `synchronous=FULL`, `BEGIN IMMEDIATE`), then writes one message to each open event stream. Everything is
done in one thread and one loop, since nothing here is shorter.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sqlite3
import sys
from typing import Any

PAGE = """<!doctype html><meta charset="utf-8"><title>floor</title><div id="alarm-list"></div><script>
new EventSource("/events").onmessage = (message) => {
  document.getElementById("alarm-list").insertAdjacentHTML("beforeend", message.data);
};
</script>"""
_PRESS = re.compile(rb"\r\nCall: ([^\r]+)\r\nStep: 001\r\nRecord: s=arrived&[^\r]*kind=emergency")
_NEW = 1_000_000
"""Ids of the floor's rows begin here, far above those of the district."""


class Commit:
    """The product's rows for one press, written again and again under new ids."""

    def __init__(self, path: str, rows: list[tuple[str, dict[str, Any]]]) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._rows = rows
        self._numbers = itertools.count(_NEW)
        ids = {table: values["id"] for table, values in rows if table in ("arrivals", "tickets")}
        self._old_ticket = f"ticket:{ids['tickets']}"

    def press(self, call_id: str) -> int:
        """Commit one press; returns its ticket's id."""
        number = next(self._numbers)
        self._connection.execute("BEGIN IMMEDIATE")
        for table, values in self._rows:
            if table == "ticket_numbers":
                self._connection.execute("UPDATE ticket_numbers SET last = last + 1")
                continue
            new = self._renamed(table, values, call_id, number)
            marks = ", ".join("?" * len(new))
            self._connection.execute(f"INSERT INTO {table} ({', '.join(new)}) VALUES ({marks})", tuple(new.values()))
        self._connection.execute("COMMIT")
        return number

    def _renamed(self, table: str, values: dict[str, Any], call_id: str, number: int) -> dict[str, Any]:
        new = dict(values)
        if table in ("arrivals", "tickets"):
            new["id"] = number
        else:
            new.pop("id", None)
        for column in ("arrival_id", "ticket_id"):
            if new.get(column) is not None:
                new[column] = number
        if table == "arrivals":
            new["external_id"] = call_id
        if table == "tickets":
            new["number"], new["household"] = str(number), f"call:{call_id}"
        if new.get("subject") == self._old_ticket:
            new["subject"] = f"ticket:{number}"
        return new


class Floor:
    """The loop's parts: the AMI socket in, the event streams out."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._streams: list[asyncio.StreamWriter] = []

    async def listen(self, told: dict[str, Any]) -> None:
        """Hear presses until the exchange ends."""
        reader, writer = await asyncio.open_connection(told["host"], told["port"], limit=2**20)
        login = f"Action: Login\r\nUsername: {told['user']}\r\nSecret: {told['secret']}\r\n\r\n"
        writer.write(login.encode())
        while True:
            message = await reader.readuntil(b"\r\n\r\n")
            if press := _PRESS.search(message):
                ticket_id = self._commit.press(press[1].decode())
                card = f'data: <article data-alarm="{ticket_id}">{ticket_id}</article>\n\n'.encode()
                for stream in self._streams:
                    stream.write(card)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One browser's request."""
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(b"GET /events "):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n: \n\n")
            self._streams.append(writer)
            return
        body = PAGE.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        writer.close()


async def main() -> None:
    """Serve and listen until the exchange or the benchmark ends this."""
    told = json.loads(sys.stdin.readline())
    floor = Floor(Commit(told["database"], told["rows"]))
    server = await asyncio.start_server(floor.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await floor.listen(told)


if __name__ == "__main__":
    asyncio.run(main())
