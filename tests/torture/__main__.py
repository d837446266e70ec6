"""`make torture`: kill consumers everywhere, then count every message.

python -m tests.torture [--client kafka-python|confluent] [--fast] [--seed N]
"""

import argparse
import time

from tests.torture.rounds import FAST, Plan, torture

BEGUN = time.monotonic()


def main() -> None:
    """Torture one client or both, and print the figures."""
    parser = argparse.ArgumentParser(prog="make torture")
    parser.add_argument("--client", choices=["confluent", "kafka-python"])
    parser.add_argument("--fast", action="store_true", help="one death per fail point")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    wanted = parser.parse_args()
    say(f"seed {wanted.seed}")
    for client in [wanted.client] if wanted.client else ["confluent", "kafka-python"]:
        figures = torture(client, FAST if wanted.fast else Plan(), wanted.seed, say)
        say(
            f"{client}: {figures.received} received = {figures.stored} stored + "
            f"{figures.quarantined} quarantined, in {figures.commits} commits; "
            f"{figures.erased} erased; nothing twice, nothing missing"
        )


def say(text: str) -> None:
    """Print a line with the time since the start."""
    print(f"{time.monotonic() - BEGUN:6.0f} s  {text}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
