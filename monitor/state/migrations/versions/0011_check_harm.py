"""Checks say whether what moved did so to the model's harm."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("checks", sa.Column("is_worse", sa.Boolean(), nullable=True))
