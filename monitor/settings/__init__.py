"""The settings of the service, with what cards and settings share to read YAML."""
