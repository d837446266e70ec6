"""The card's section `review`: which predictions need a person before they take effect."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from monitor.cards.contract import FeatureType
from monitor.cards.declaration import Declaration
from monitor.cards.policy import SAMPLE, Condition, Of, Policy, Rule
from monitor.cards.values import Key, Name, repeated
from monitor.settings.check import nearest
from monitor.settings.part import Part, Wrong, exactly_one, refuse
from monitor.settings.values import Delay, Duration, Instant, Number, Share, Text, duration_text

_SUBJECTS = ("of", "feature", "attribute")
_OPERATORS = ("below", "at_least", "between", "one_of", "is_missing")
_COMPARING = _OPERATORS[:3]
_SHARES = (Of.PROBABILITY, Of.CONFIDENCE)
_TRUTHS = {"true": 1.0, "false": 0.0}


class DeclaredCondition(Part):
    """One comparison: exactly one thing, compared in exactly one way."""

    of: Literal["probability", "score", "confidence", "prediction", "risk", "stage"] | None = Field(
        default=None, description="what of the prediction is compared"
    )
    feature: Key | None = Field(default=None, description="or the feature that is compared")
    attribute: Key | None = Field(default=None, description="or the attribute that is compared")
    class_: Name | None = Field(
        default=None,
        alias="class",
        description="of which class it is the probability; default: the positive one",
    )
    below: Number | None = Field(default=None, description="met by smaller values")
    at_least: Number | None = Field(default=None, description="met by this value and larger ones")
    between: tuple[Number, Number] | None = Field(
        default=None, description="[low, high]: met from low on, no longer by high"
    )
    one_of: tuple[Name, ...] | None = Field(
        default=None, min_length=1, description="met by these values"
    )
    is_missing: bool | None = Field(
        default=None, description="true: met where there is no value; false: where there is one"
    )

    def about(self) -> tuple[Of, str]:
        """What is looked at, and its name where it is a feature or an attribute."""
        if self.feature is not None:
            return Of.FEATURE, self.feature
        if self.attribute is not None:
            return Of.ATTRIBUTE, self.attribute
        assert self.of is not None
        return Of(self.of), ""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        found = [*exactly_one(self, *_SUBJECTS), *exactly_one(self, *_OPERATORS)]
        if self.between is not None and self.between[0] >= self.between[1]:
            low, high = self.between
            found.append((("between",), f"goes from {low:g} to {high:g}; low should be below high"))
        found += [(("one_of",), f'"{name}" stands twice') for name in repeated(self.one_of or ())]
        if self.class_ is not None and self.of != "probability":
            found.append((("class",), "has a meaning only with of: probability; remove it"))
        refuse(found, self)
        return self

    def words(self) -> str:
        """The condition as people read it."""
        of, name = self.about()
        subject = name or (f"{of} of {self.class_}" if self.class_ is not None else str(of))
        if self.below is not None:
            return f"{subject} below {self.below:g}"
        if self.at_least is not None:
            return f"{subject} at least {self.at_least:g}"
        if self.between is not None:
            return f"{subject} from {self.between[0]:g} to below {self.between[1]:g}"
        if self.one_of is not None:
            return f"{subject} {' or '.join(self.one_of)}"
        return f"{subject} {'missing' if self.is_missing else 'there'}"


class DeclaredRule(Part):
    """A prediction that meets all conditions needs a review."""

    name: Text | None = Field(
        default=None, max_length=100, description="how lists call it; default: its conditions"
    )
    all: tuple[DeclaredCondition, ...] = Field(
        min_length=1, max_length=20, description="conditions, all of which must be met"
    )

    def called(self) -> str:
        """The rule's name."""
        return self.name or " and ".join(condition.words() for condition in self.all)


class Review(Part):
    """Which predictions need a person before they take effect, and within what time."""

    rules: tuple[DeclaredRule, ...] = Field(
        default=(), max_length=50, description="any one of them asks for a review"
    )
    within: Duration = Field(description="time that a review may take, from the prediction on: 4h")
    sample: Share = Field(
        default=0.0, description="share of the predictions that no rule names, reviewed too"
    )
    roles: tuple[Text, ...] = Field(
        default=(), description="reviewer roles whose decision is a review; default: anybody's"
    )
    tolerance: Delay = Field(
        default=timedelta(minutes=1), description="how far the clocks of the services may differ"
    )
    since: Instant | None = Field(
        default=None, description="predictions before it are not audited; default: all are"
    )

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        wrongs: list[Wrong] = []
        if not self.rules and not self.sample:
            wrongs.append(((), "asks for no review; add rules or a sample"))
        names = [rule.called() for rule in self.rules]
        for i, name in enumerate(names):
            if name in (SAMPLE, *names[:i]):
                wrongs.append((("rules", i), f'"{name}" names something else already'))
        wrongs += [(("roles",), f'"{name}" stands twice') for name in repeated(self.roles)]
        refuse(wrongs, self)
        return self

    def policy(self, declaration: Declaration) -> Policy:
        """The policy of a model that declares this; the card has proved that they fit."""
        return Policy(
            rules=tuple(
                Rule(rule.called(), tuple(_compiled(one, declaration) for one in rule.all))
                for rule in self.rules
            ),
            within=self.within,
            sample=self.sample,
            roles=self.roles,
            tolerance=self.tolerance,
            since=self.since,
        )


def review_wrongs(
    review: Review,
    declaration: Declaration,
    horizon: timedelta,
    hashed: Collection[str],
    dropped: Collection[str],
) -> list[Wrong]:
    """What of the section does not fit the rest of the card, seen from the section.

    Args:
        review: the section.
        declaration: the card's contract.
        horizon: how long feedback seeks its prediction.
        hashed: columns and features that the log holds as hashes.
        dropped: columns and features that it does not hold.
    """
    wrongs: list[Wrong] = [
        (("rules", i, "all", j, *where), what)
        for i, rule in enumerate(review.rules)
        for j, condition in enumerate(rule.all)
        for where, what in (
            *_unfit(condition, declaration),
            *_unseen(condition, hashed=hashed, dropped=dropped),
        )
    ]
    if review.roles and "reviewer_role" in {*hashed, *dropped}:
        message = "cannot be told apart: privacy hashes or drops reviewer_role"
        wrongs.append((("roles",), message))
    if review.within + review.tolerance > horizon:
        message = f"with tolerance is longer than label_horizon, {duration_text(horizon)}"
        wrongs.append((("within",), message))
    return wrongs


def _unseen(
    condition: DeclaredCondition, *, hashed: Collection[str], dropped: Collection[str]
) -> Iterator[Wrong]:
    """Complaints about what the log does not hold as it was sent."""
    of, name = condition.about()
    column = name if of is Of.FEATURE else str(of)
    if of not in (Of.FEATURE, Of.RISK):
        return
    key = "feature" if of is Of.FEATURE else "of"
    if column in dropped:
        yield (key,), f'"{column}" is dropped by privacy, so that no rule can see it'
    elif column in hashed and condition.is_missing is None:
        yield (key,), f'"{column}" is hashed by privacy; only is_missing can be asked of it'


def _unfit(condition: DeclaredCondition, declaration: Declaration) -> Iterator[Wrong]:
    """Complaints about what the contract does not declare, or declares otherwise."""
    of, name = condition.about()
    prediction = declaration.prediction
    if of is Of.FEATURE and name not in declaration.features:
        hint = nearest(name, declaration.features)
        yield ("feature",), f'"{name}" is no feature of this card; {hint}'
    elif of is Of.ATTRIBUTE and name not in declaration.attributes:
        hint = nearest(name, declaration.attributes)
        yield ("attribute",), f'"{name}" is no attribute of this card; {hint}'
    elif of is Of.PROBABILITY and prediction.classes is None:
        yield ("of",), "is not known of a predicted number; compare prediction or score"
    elif of is Of.PROBABILITY:
        yield from _class_wrongs(condition, prediction.classes or ())
        yield from _operator_wrongs(condition, declaration)
    else:
        yield from _operator_wrongs(condition, declaration)


def _class_wrongs(condition: DeclaredCondition, classes: tuple[str, ...]) -> Iterator[Wrong]:
    if condition.class_ is None and len(classes) > 2:
        yield (), f"needs class: of which class it is the probability, {', '.join(classes)}"
    if condition.class_ is not None and condition.class_ not in classes:
        hint = nearest(condition.class_, classes)
        yield ("class",), f'"{condition.class_}" is none of the classes; {hint}'


def _operator_wrongs(condition: DeclaredCondition, declaration: Declaration) -> Iterator[Wrong]:
    of, _ = condition.about()
    operator = next(name for name in _OPERATORS if getattr(condition, name) is not None)
    kind, values = _kind(condition, declaration)
    if operator in _COMPARING and kind is not FeatureType.NUMBER:
        allowed = "one_of and is_missing"
        yield (operator,), f"has a meaning only for numbers; here: {allowed}"
    elif operator in _COMPARING and of in _SHARES:
        ends = condition.between or (condition.below, condition.at_least)
        if any(end is not None and not 0 <= end <= 1 for end in ends):
            yield (operator,), f"should lie between 0 and 1, as every {of} does"
    elif operator == "one_of":
        for i, value in enumerate(condition.one_of or ()):
            if kind is FeatureType.NUMBER and _number(value) is None:
                yield ("one_of", i), f'"{value}" is no number'
            elif values is not None and value not in values:
                yield ("one_of", i), f'"{value}" is none of its values; {nearest(value, values)}'


def _kind(
    condition: DeclaredCondition, declaration: Declaration
) -> tuple[FeatureType, tuple[str, ...] | None]:
    """Whether numbers, truths or texts are compared, and the values there are if that is known."""
    of, name = condition.about()
    match of:
        case Of.FEATURE:
            feature = declaration.features[name]
            if feature.type is FeatureType.BOOLEAN:
                return FeatureType.BOOLEAN, tuple(_TRUTHS)
            is_text = feature.type is FeatureType.CATEGORY
            return FeatureType.CATEGORY if is_text else FeatureType.NUMBER, feature.categories
        case Of.ATTRIBUTE:
            return FeatureType.CATEGORY, declaration.attributes[name].values
        case Of.PREDICTION if declaration.prediction.classes is not None:
            return FeatureType.CATEGORY, declaration.prediction.classes
        case Of.RISK | Of.STAGE:
            return FeatureType.CATEGORY, None
        case _:
            return FeatureType.NUMBER, None


def _compiled(condition: DeclaredCondition, declaration: Declaration) -> Condition:
    of, name = condition.about()
    if of is Of.PROBABILITY:
        prediction = declaration.prediction
        name = condition.class_ or prediction.positive or (prediction.classes or ("",))[-1]
    low, high = condition.between or (condition.at_least, condition.below)
    kind, _ = _kind(condition, declaration)
    one_of: tuple[str, ...] | tuple[float, ...] | None = condition.one_of
    if condition.one_of is not None and kind is not FeatureType.CATEGORY:
        numbers = (_TRUTHS[v] if v in _TRUTHS else _number(v) for v in condition.one_of)
        one_of = tuple(number for number in numbers if number is not None)
    return Condition(of, name, low, high, one_of, condition.is_missing)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
