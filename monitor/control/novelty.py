"""How unlike the reference each record is, from the reference's profile alone."""

import numpy as np

from monitor.cards.contract import Contract
from monitor.control.conditions import Column
from monitor.profiles.categories import Categories
from monitor.profiles.columns import feature
from monitor.profiles.distribution import Distribution
from monitor.profiles.layout import Floats, Ints, Profile
from monitor.profiles.novel import Surprise


def novelty(contract: Contract, columns: dict[str, Column], reference: Profile) -> Floats:
    """Standard deviations by which each record surprises more than one of the reference's would.

    A record of usual values in an unusual combination is not novel here; see the domain
    classifier for those.

    Args:
        contract: of the model.
        columns: values of the features of n rows, by name.
        reference: profile of inputs of the reference's rows.

    Returns:
        Shape (n,); 0 for every row where no feature can be compared.
    """
    names = [one.name for one in contract.features]
    surprise = Surprise.of(reference, [feature(name) for name in names])
    total = np.zeros(_rows(columns))
    for name in names:
        if (table := surprise.tables.get(feature(name))) is not None:
            total += table[_placed(columns[name], reference, feature(name))]
    return surprise.scaled(total)


def _rows(columns: dict[str, Column]) -> int:
    one = next(iter(columns.values()))
    values = one.numbers if one.numbers is not None else one.codes
    return 0 if values is None else len(values)


def _placed(column: Column, reference: Profile, name: str) -> Ints:
    """The bin of every row, missing ones last."""
    if reference.has(Distribution, name):
        known = reference.get(Distribution, name)
        assert column.numbers is not None
        place = np.searchsorted(known.edges, column.numbers, "right").astype(np.int64)
        place[np.isnan(column.numbers)] = len(known.counts)
        return place
    named = reference.get(Categories, name)
    assert column.codes is not None
    at = {text: i for i, text in enumerate(named.names)}
    table = np.array([at.get(text, len(at)) for text in column.names] + [len(at) + 1])
    placed: Ints = table[column.codes]
    return placed
