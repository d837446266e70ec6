"""What the contract allows of a feature, in words."""

from monitor.cards.contract import Feature
from monitor.render.chart import number


def allowed(feature: Feature) -> str:
    """Its categories, its range, or else its type.

    >>> from monitor.cards.contract import FeatureType
    >>> allowed(Feature("income", FeatureType.NUMBER, 0, 1e6))
    '0 to 1,000,000'
    >>> allowed(Feature("age", FeatureType.INTEGER, low=18))
    '18 or more'
    >>> allowed(Feature("home", FeatureType.CATEGORY, categories=("own", "rent")))
    'own, rent'
    """
    if feature.categories is not None:
        return ", ".join(feature.categories)
    if feature.low is not None and feature.high is not None:
        return f"{number(feature.low)} to {number(feature.high)}"
    if feature.low is not None:
        return f"{number(feature.low)} or more"
    if feature.high is not None:
        return f"{number(feature.high)} or less"
    return f"any {feature.type.value}"
