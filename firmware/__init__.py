"""What should a device run? Image store, manifests and rollout rules; knows nothing of the hub."""
