"""Who may call, and under which keys orders came: of the API, in the same backup as the books."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    if not sa.inspect(op.get_bind()).has_table("api_token"):  # the first sites made it beside the revisions
        op.create_table(
            "api_token",
            sa.Column("digest", sa.String(64), nullable=False),
            sa.Column("actor", sa.String(64), nullable=False),
            sa.Column("scopes", sa.String(64), nullable=False),
            sa.Column("created_ms", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("digest"),
        )
    op.create_table(
        "idempotency_key",
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("used_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("actor", "key"),
    )
