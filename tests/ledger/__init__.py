"""The books and the journal, on SQLite and on PostgreSQL."""
