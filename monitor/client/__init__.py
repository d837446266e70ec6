"""What a model service installs to tell what its model did and what people made of it."""

from monitor.client.client import Client
from monitor.client.sinks import File, Kafka

__all__ = ["Client", "File", "Kafka"]
