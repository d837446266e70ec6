"""The settings of the service, with what cards and settings share to read YAML."""

from monitor.settings.service import Settings, load_settings, settings_schema

__all__ = ["Settings", "load_settings", "settings_schema"]
