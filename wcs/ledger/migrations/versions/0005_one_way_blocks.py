"""A block may keep only put-away or only retrieval from a place; an order keeps the SSCC of what was packed for it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for table, column, was in (("block", "flow", "both"), ("customer_order", "sscc", "")):
        op.add_column(table, sa.Column(column, sa.Text(), nullable=False, server_default=was))
