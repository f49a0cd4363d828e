"""What Grafana may answer, named for what to do next.

GrafanaError
├── Away         nobody answers, or is too busy: try again, after `after` seconds if given
├── Denied       the token is not accepted (401), or may not do this (403)
├── Conflict     somebody changed it at the same time, or its name is taken (409, 412)
└── Refused      Grafana does not take this (400, 404, 422), or is no Grafana
"""

from __future__ import annotations

from hub.errors import CityhubError


class GrafanaError(CityhubError):
    """Grafana did not do as it was asked."""


class Away(GrafanaError):
    """Nobody answers, or is too busy; `after` is Grafana's own wish in seconds, if it gave one."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Denied(GrafanaError):
    """The token is not accepted, or may not do this."""


class Conflict(GrafanaError):
    """Somebody changed it at the same time, or its name is taken."""


class Refused(GrafanaError):
    """Grafana does not take this, or is no Grafana."""
