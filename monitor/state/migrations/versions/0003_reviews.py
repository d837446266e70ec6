"""Windows whose reviews are not settled, leaks by prediction, leaks ever found."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "review_windows",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("oldest", sa.BigInteger(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("leaks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", "start", "version"),
    )
    op.create_table(
        "review_leaks",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("prediction_id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("prediction_time", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("effect", sa.String(), nullable=False),
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("effect_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("review_at", sa.BigInteger(), nullable=True),
        sa.Column("discovered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", "prediction_id"),
    )
    op.create_index("review_leaks_by_time", "review_leaks", ["model", "prediction_time"])
    op.create_table(
        "review_leak_totals",
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model", "version"),
    )
