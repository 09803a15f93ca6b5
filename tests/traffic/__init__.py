"""Claims, routes and the absence of deadlock."""
