"""The card's section `report`: who gets a weekly report, and when."""

from pydantic import Field

from monitor.settings.values import Mail
from monitor.settings.weekly import Weekly


class WeeklyReport(Weekly):
    """A mail about each week, Monday to Sunday in UTC, once it is over."""

    to: tuple[Mail, ...] = Field(
        default=(), max_length=50, description="who gets it; default: the owner"
    )
    attach: bool = Field(
        default=False, description="whether the week's drill-down by Evidently, 4 MB, is attached"
    )
