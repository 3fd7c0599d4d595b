"""Ends the sending half of a connection, without a reset."""

import asyncio


def end_output(transport: asyncio.Transport) -> None:
    """Send what waits and then the end of the stream; what the peer sends can still be read.

    TLS knows no half-open connection: it is closed altogether.
    """
    if transport.can_write_eof():
        transport.write_eof()
    else:
        transport.close()
