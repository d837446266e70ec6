"""How unlike the reference each record is, from the reference's profile alone."""

import numpy as np

from monitor.cards.contract import Contract
from monitor.control.conditions import Column
from monitor.profiles.categories import Categories
from monitor.profiles.columns import feature
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Floats, Ints, Profile


def novelty(contract: Contract, columns: dict[str, Column], reference: Profile) -> Floats:
    """Standard deviations by which each record surprises more than one of the reference's would.

    The surprise of a value is -ln of its bin's share in the reference, summed over the features
    as if they were independent. So a record of usual values in an unusual combination is not
    novel here; see the domain classifier for those.

    Args:
        contract: of the model.
        columns: values of the features of n rows, by name.
        reference: profile of inputs of the reference's rows.

    Returns:
        Shape (n,); 0 for every row where no feature can be compared.
    """
    total: Floats | None = None
    mean = variance = 0.0
    for one in contract.features:
        found = _placed(columns[one.name], reference, feature(one.name))
        if found is None:
            continue
        place, counts = found
        # Half a row of each bin, so that what was never seen is rare and not impossible.
        share = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
        surprise = -np.log(share)
        total = surprise[place] if total is None else total + surprise[place]
        own = float(share @ surprise)
        mean += own
        variance += float(share @ surprise**2) - own**2
    if total is None or variance <= 0:
        return np.zeros(_rows(columns))
    result: Floats = (total - mean) / np.sqrt(variance)
    return result


def _rows(columns: dict[str, Column]) -> int:
    one = next(iter(columns.values()))
    values = one.numbers if one.numbers is not None else one.codes
    return 0 if values is None else len(values)


def _placed(column: Column, reference: Profile, name: str) -> tuple[Ints, Ints] | None:
    """The bin of every row, missing ones last, and the reference's rows per bin."""
    if reference.has(Distribution, name):
        known = reference.get(Distribution, name)
        assert column.numbers is not None
        place = np.searchsorted(known.edges, column.numbers, "right").astype(np.int64)
        place[np.isnan(column.numbers)] = len(known.counts)
        return place, np.append(known.counts, known.missing)
    if reference.has(Categories, name):
        named = reference.get(Categories, name)
        assert column.codes is not None
        at = {text: i for i, text in enumerate(named.names)}
        table = np.array([at.get(text, len(at)) for text in column.names] + [len(at) + 1])
        return table[column.codes], np.append(named.counts, named.missing)
    return None
