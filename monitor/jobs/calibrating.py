"""What is known of the outcomes of a model's reference, by which probabilities are calibrated."""

from collections.abc import Mapping

from monitor.log.profiles import ProfileTable
from monitor.profiles.family import Family
from monitor.profiles.layout import Layout, Profile, total
from monitor.profiles.reference import Reference
from monitor.profiles.segments import ALL
from monitor.profiles.windows import DAY, Range, ceiling, feedback_length, floor, instant

AT_ONCE = 400
"""Profiles in memory at once; each takes some tens of kilobytes."""


def calibration(
    reference: Reference | None,
    profiles: ProfileTable,
    layouts: Mapping[str, Layout],
    finest: int,
    known: Range,
) -> Profile | None:
    """The profile of truth of the reference's rows; None without any in the log.

    Of a reference of two days or more whole days count only.

    Args:
        reference: of the model.
        profiles: of the model, among others.
        layouts: of the family of truth, by id.
        finest: length of the finest profiles of inputs [s].
        known: first and last moment of the model's events, Unix seconds.
    """
    if reference is None or reference.span is None:
        return None
    length = feedback_length(finest)
    start, end = max(reference.span[0], known[0]), min(reference.span[1], known[1])
    step = DAY if length < DAY <= (end - start) / 2 else length
    whole = None
    # Rows before or after what is known there are none, so that the ends of the log are whole.
    first = floor(start, step) if reference.span[0] < known[0] else ceiling(start, step)
    last = ceiling(end, step) if reference.span[1] > known[1] else floor(end, step)
    for at in range(first, last, AT_ONCE * step):
        found = [
            revision.partial
            for revision in profiles.latest(
                family=Family.TRUTH,
                model=reference.model,
                seconds=step,
                start=instant(at),
                end=instant(min(at + AT_ONCE * step, last)),
                layouts=layouts,
                segment=ALL,
            )
            if reference.of_version in ("", revision.partial.key.version)
        ]
        if found:
            some = [partial.profile for partial in found] + ([whole] if whole else [])
            whole = total(some[0].layout, some)
    return whole
