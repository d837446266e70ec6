"""Secrets that stand elsewhere, and texts that may hold one."""

import os
import re
from pathlib import Path
from typing import Annotated, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from monitor.errors import ConfigurationError, Mistake
from monitor.settings.part import Part, exactly_one, refuse


def located(path: Path, info: ValidationInfo) -> Path:
    """The path seen from the folder of the file that names it."""
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / path


Located: TypeAlias = Annotated[Path, AfterValidator(located)]
"""A path; relative ones start at the folder of the YAML file."""


class Secret(Part):
    """A secret by the place where it stands; it is read when used and never kept or shown."""

    env: str | None = Field(default=None, description="environment variable that holds it")
    file: Located | None = Field(
        default=None, description="file that holds it; a last newline is cut off"
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_literal(cls, value: object) -> object:
        if isinstance(value, dict | Secret):
            return value
        raise ValueError(
            "a secret may not stand in the file itself; write {env: NAME} or {file: PATH}"
        )

    @model_validator(mode="after")
    def _needs_one_place(self) -> Self:
        refuse(exactly_one(self, "env", "file"), self)
        return self

    def reveal(self) -> str:
        """The secret itself, read anew each time so that a rotated one is found.

        Raises:
            ConfigurationError: the variable is not set, or the file is empty or unreadable.
        """
        if self.env is not None:
            if value := os.environ.get(self.env):
                return value
            raise ConfigurationError(
                [Mistake("environment", 0, self.env, "is not set; a secret is taken from it")]
            )
        try:
            text = Path(self.file or "").read_text("utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise ConfigurationError([_unusable(self.file, f"cannot be read: {reason}")]) from None
        if not text:
            raise ConfigurationError([_unusable(self.file, "is empty")])
        return text


def _unusable(file: Path | None, message: str) -> Mistake:
    return Mistake(str(file), 0, "", f"{message}; a secret is taken from it")


def revealed(value: str | Secret) -> str:
    """The text itself, or the secret that stands for it."""
    return value.reveal() if isinstance(value, Secret) else value


def _text_or_secret(value: object, info: ValidationInfo) -> str | Secret:
    if isinstance(value, dict | Secret):
        return Secret.model_validate(value, context=info.context)
    if isinstance(value, str) and value.strip():
        if re.search(r"://[^/@:]*:[^/@]+@", value):
            raise ValueError("holds a password; move the whole text to {env: NAME} or {file: PATH}")
        return value
    if isinstance(value, bool | int):
        return str(value).lower()
    raise ValueError("should be text, {env: NAME} or {file: PATH}")


TextOrSecret: TypeAlias = Annotated[
    str | Secret,
    PlainValidator(_text_or_secret),
    WithJsonSchema({"anyOf": [{"type": "string"}, Secret.model_json_schema()]}),
]
"""Text that is no secret, or the place of one."""
