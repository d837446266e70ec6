"""Hooks of MkDocs: what lies beside docs/ and is linked from there becomes a page too."""

import os
import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

BESIDE: Final = ("CONTRIBUTING.md", "CHANGELOG.md", "bench/DETECTION.md")
FOLDER: Final = "repository"
"""Where these pages lie in the site."""

_LINK: Final = re.compile(r"(?<=\]\()[^)#:\s]+(?=[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The files of docs/ with those beside it."""
    root = Path(config.docs_dir).parent
    for name in BESIDE:
        files.append(
            File.generated(config, f"{FOLDER}/{name}", abs_src_path=os.fspath(root / name))
        )
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """The text of a page, its links as they lead in the site."""
    here = page.file.src_uri
    folder = dirname(_in_repository(here))

    def led(link: re.Match[str]) -> str:
        return relpath(_in_site(normpath(join(folder, link[0]))), dirname(here) or ".")

    return _LINK.sub(led, markdown)


def _in_repository(page: str) -> str:
    return page.removeprefix(f"{FOLDER}/") if page.startswith(f"{FOLDER}/") else f"docs/{page}"


def _in_site(file: str) -> str:
    return file.removeprefix("docs/") if file.startswith("docs/") else f"{FOLDER}/{file}"
