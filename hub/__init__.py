"""The hub: it owns every socket, task and clock."""
