"""What people and other systems see: REST, stream, page and command line."""
