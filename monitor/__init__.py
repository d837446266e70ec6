"""Behaviour of deployed models: events in, evidence out."""

__version__ = "0.1.0"
