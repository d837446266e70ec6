"""A process's own counters under /metrics."""

from prometheus_client import start_http_server

from monitor.errors import AddressError
from monitor.settings.values import Address


def expose(address: Address, setting: str) -> None:
    """Serve this process's counters at an address, in a thread of its own.

    Args:
        address: where to listen.
        setting: that names the address, for the error.

    Raises:
        AddressError: the address is taken or not ours.
    """
    try:
        start_http_server(address.port, address.host)
    except OSError as error:
        raise AddressError({setting: (address, error)}) from error
