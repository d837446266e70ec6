"""Runs the migrations on the connection that `State` gives; Alembic loads this file."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
