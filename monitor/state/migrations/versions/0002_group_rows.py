"""Results say how many rows the smallest group has that they compare."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("results", sa.Column("group_rows", sa.BigInteger(), nullable=True))
