"""When something comes once a week."""

import re
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field

from monitor.settings.part import Part
from monitor.settings.values import Text, Zone

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f'"{text}" is no time of day; write 07:00')
    return text


Clock: TypeAlias = Annotated[Text, AfterValidator(_clock)]


class Weekly(Part):
    """A moment of each week."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = (
        Field(default="monday", description="day on which it is sent")
    )
    at: Clock = Field(default="07:00", description="time of that day")
    timezone: Zone = Field(default="UTC", description="where that day and time are")
