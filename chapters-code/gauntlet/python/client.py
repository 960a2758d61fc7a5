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
    length = body_length(await head(reader))
    body = await (reader.read() if length is None else reader.readexactly(length))
    writer.close()
    sys.stdout.buffer.write(b"%d %d\n%b\n" % (n, len(body), body))


async def head(reader):
    """The fields of the reply. Interim replies before it, such as 103, are passed over."""
    while True:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *fields = text.removesuffix("\r\n\r\n").split("\r\n")
        code = status.split(" ")[1]
        if code == "200":
            pairs = (field.partition(":") for field in fields)
            return [(name.lower(), value.strip()) for name, _, value in pairs]
        if not code.startswith("1") or code == "101":
            raise ValueError(f"the server answered {status}")


def body_length(fields):
    """RFC 9112, section 6.3. None: the body ends with the connection."""
    if any(name == "transfer-encoding" for name, _ in fields):
        raise ValueError("the reply is in chunks, which this client can't read")
    lengths = {value for name, value in fields if name == "content-length"}
    if len(lengths) > 1 or not all(value.isascii() and value.isdigit() for value in lengths):
        raise ValueError(f"this is not one length: {sorted(lengths)}")
    return int(lengths.pop()) if lengths else None


try:
    asyncio.run(main())
except (OSError, EOFError, ValueError, LookupError, asyncio.TimeoutError) as error:
    sys.exit(f"no reply: {error!r}")
