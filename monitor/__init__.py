"""Behaviour of deployed models: events in, evidence out."""
