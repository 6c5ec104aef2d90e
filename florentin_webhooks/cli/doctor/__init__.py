"""What ``florentin-webhooks doctor`` checks: pure functions over facts that were read before."""
