"""`make torture`: kill consumers everywhere, and replicas of every part; then count.

python -m tests.torture [--client kafka-python|confluent] [--fast] [--seed N]
python -m tests.torture --replicas [--fast] [--seconds N] [--seed N]
"""

import argparse
import time
from dataclasses import replace

from tests.torture.replicas import SHORT, Ordeal, endure
from tests.torture.rounds import FAST, Plan, torture

BEGUN = time.monotonic()


def main() -> None:
    """Torture one client or both, and print the figures."""
    parser = argparse.ArgumentParser(prog="make torture")
    parser.add_argument("--client", choices=["confluent", "kafka-python"])
    parser.add_argument("--fast", action="store_true", help="one death per fail point")
    parser.add_argument("--replicas", action="store_true", help="replicas of every part alone")
    parser.add_argument("--seconds", type=float, help="how long replicas are killed")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    wanted = parser.parse_args()
    say(f"seed {wanted.seed}")
    if wanted.replicas or not wanted.client:
        ordeal = SHORT if wanted.fast else Ordeal()
        if wanted.seconds:
            ordeal = replace(ordeal, seconds=wanted.seconds)
        say(f"{endure(ordeal, wanted.seed, say)}; nothing lost, nothing twice, one leader")
    if wanted.replicas:
        return
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
