"""Who is this device, and may it speak? Registry, certificate authority and bundles; knows nothing of the hub."""
