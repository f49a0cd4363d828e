"""What the pipeline expects of a database, and what a database may expect of the pipeline."""

from __future__ import annotations

from typing import Protocol


class Sink(Protocol):
    """A plain adapter: it opens, writes and closes. Batching, retry, bisection and counters belong to its runner.

    The runner calls `open` once before anything else and `close` once at the end; `write` in between, from
    several tasks at a time. An adapter keeps no data of its own: what `write` did not confirm, it has forgotten.
    """

    async def open(self) -> None:
        """Prepare connections; does not touch the network, so that a hub starts while its database is away.

        Raises:
            SettingsError: a file that holds the password or token cannot be used.
        """

    async def write(self, lines: bytes) -> None:
        """Write whole lines of line protocol (UTF-8, nanoseconds, each line ended by a newline).

        Returns only when the database has confirmed all of them. Writing the same lines again is harmless.

        Raises:
            Retryable: the database is away, busy, or its settings or credentials are wrong (401, 403, 404, 5xx,
                silence): hold the lines, none of them is to blame.
            Refused: the database condemns something in these lines (400, 422, or 201 for a part); with one line
                it is that line. It may have stored the others.
            TooLarge: the request was too large (413); send the same lines in smaller requests.
        """

    async def close(self) -> None:
        """Let go of all connections; safe to call twice."""
