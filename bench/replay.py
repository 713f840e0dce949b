"""A peer in a process of its own that plays a recorded stream to whoever has logged in.

`python -m bench.replay FILE` prints its port, answers like an idle exchange, and sends the file's bytes when a line
comes on its standard input; its database then holds the journal's steps of which they tell, until they are deleted.
Its own CPU time is nobody's: it runs on another core than what is measured.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bench.recording import read
from tests.fake_ami import fake_ami


async def play(stream: bytes) -> None:
    """Serve until standard input ends."""
    journal = {f"/journal/{call}/{step}": text for (call, step), text in read(stream).steps.items()}
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with fake_ami() as peer:
        print(peer.port, flush=True)
        while await reader.readline():
            peer.astdb.update(journal)
            peer.send(stream)
        peer.cut()


if __name__ == "__main__":
    asyncio.run(play(Path(sys.argv[1]).read_bytes()))
