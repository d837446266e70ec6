"""A process's own counters under /metrics."""

from prometheus_client import start_http_server

from monitor.errors import MonitorError
from monitor.settings.values import Address


def expose(address: Address, setting: str) -> None:
    """Serve this process's counters at an address, in a thread of its own.

    Args:
        address: where to listen.
        setting: that names the address, for the error.

    Raises:
        MonitorError: the address is taken or not ours.
    """
    try:
        start_http_server(address.port, address.host)
    except OSError as error:
        raise MonitorError(
            f"cannot listen on {address}: {error.strerror}; choose another address in {setting}"
        ) from error
