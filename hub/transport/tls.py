"""TLS contexts of the hub's own connections."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from hub.errors import SettingsError

if TYPE_CHECKING:
    from hub.transport.options import MqttOptions


def client_context(options: MqttOptions) -> ssl.SSLContext:
    """Return a context that shows the hub's certificate and trusts only `options.ca_file`.

    Raises:
        SettingsError: a file is missing, unreadable, or not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(options.ca_file)
        context.load_cert_chain(options.cert_file, options.key_file)
    except (OSError, ssl.SSLError) as error:
        files = f"{options.ca_file}, {options.cert_file}, {options.key_file}"
        raise SettingsError(f"cannot use the broker's certificates ({files}): {error}") from error
    return context
