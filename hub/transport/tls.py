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
    except OSError as error:
        raise SettingsError(f"broker.ca_file: cannot use {options.ca_file}: {error}") from error
    try:
        # An empty password, or OpenSSL would ask the terminal for that of an encrypted key, and wait.
        context.load_cert_chain(options.cert_file, options.key_file, password="")
    except OSError as error:
        files = f"{options.cert_file} with {options.key_file}"
        raise SettingsError(f"broker.cert_file, broker.key_file: cannot use {files}: {error}") from error
    return context
