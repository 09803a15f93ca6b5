"""Alembic's environment: it runs inside the transaction that `wcs.ledger.migrate` has begun."""

from alembic import context

from wcs.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
    render_as_batch=False,
)
context.run_migrations()
