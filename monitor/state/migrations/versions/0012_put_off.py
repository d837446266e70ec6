"""Drill-downs that are still to be made."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "drilldowns_put_off",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("week", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", "week"),
    )
