"""What reading an import raises; a row that is wrong is no error but a fault in the report."""

from __future__ import annotations

from provisioning.errors import ProvisioningError


class UnreadableFile(ProvisioningError):
    """The file is not a table that can be read: another format, damaged, or too large."""
