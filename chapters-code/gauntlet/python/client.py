"""A client for the gauntlet: a coroutine for each connection, and asyncio."""

import asyncio
import os
import sys


async def main():
    asks = [ask(n) for n in range(int(os.environ["STREAMS"]))]
    await asyncio.wait_for(asyncio.gather(*asks), int(os.environ["PATIENCE_MS"]) / 1000)


async def ask(n):
    host, port = os.environ["PEER"].split(":")
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET /0/request-{n} HTTP/1.1\r\nHost: peer\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    if "content-length" in fields:
        body = await reader.readexactly(int(fields["content-length"]))
    else:
        body = await reader.read()
    writer.close()
    sys.stdout.buffer.write(b"%d %d\n%b\n" % (n, len(body), body))


try:
    asyncio.run(main())
except (OSError, EOFError, asyncio.TimeoutError) as error:
    sys.exit(f"no reply: {error!r}")
