"""PostgreSQL: what a commit must find is asked in the database, so that it need not wait for answers.

SQLite asks in the host: there an answer is no trip.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

# An SQLSTATE of our own: the host tells this refusal from all others by it (`wcs.ledger.lease.LEASE_LOST`).
HOLD_LEASE = """
    CREATE FUNCTION wcs_hold_lease(site text, ours bigint) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE found_epoch bigint;
    BEGIN
        SELECT epoch INTO found_epoch FROM lease WHERE site_id = site FOR UPDATE;
        IF found_epoch IS DISTINCT FROM ours THEN
            RAISE EXCEPTION 'our epoch is %, the one of the site is %, so another host drives it', ours, found_epoch
            USING ERRCODE = 'WCS01';
        END IF;
    END $$
"""
REQUIRE_ALL = """
    CREATE FUNCTION wcs_require_all(touched bigint, wanted bigint, name text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF touched <> wanted THEN
            RAISE EXCEPTION '%, % of % rows to take from are not there', name, wanted - touched, wanted
            USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END $$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(HOLD_LEASE)
        op.execute(REQUIRE_ALL)
