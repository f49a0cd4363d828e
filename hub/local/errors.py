"""The error of the servers that one-box mode runs."""

from __future__ import annotations

from hub.errors import CityhubError


class LocalServerFailed(CityhubError):
    """A local server does not start or does not do as it is told; quotes what it said itself."""
