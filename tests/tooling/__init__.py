"""What the workshop itself promises: databases for tests, limits on size, the direction of imports."""
