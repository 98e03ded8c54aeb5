"""Where a setting's text may stand: environment, a file it names, systemd credential, Docker secret, `.env`.

The first place that has it wins, in that order. An empty text counts as not set.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from dotenv import dotenv_values

from config.faults import Faults

PREFIX = "PMS_SYNC_"
FILE_SUFFIX = "_FILE"
BASE_URL = "_base_url"
DOCKER_SECRETS = Path("/run/secrets")


class Told(NamedTuple):
    """A setting's text and where it stood."""

    text: str
    where: str


class Places(NamedTuple):
    """Where to look: the environment, the folder whose `.env` counts, and Docker's secrets."""

    environ: Mapping[str, str]
    folder: Path
    secrets: Path = DOCKER_SECRETS


def gather(places: Places, known: AbstractSet[str], faults: Faults) -> dict[str, Told]:
    """Return every PMS_SYNC_ setting found, by its lower-case name without the prefix; unreadable places are faults.

    `known` are the settings' names: a setting may end in `_file` itself, and a secret file may leave the prefix out.
    """
    dotenv = places.folder / ".env"
    credentials = places.environ.get("CREDENTIALS_DIRECTORY")
    layers = [
        _variables(places.environ, "", known, faults),
        _files_in(Path(credentials), known, faults) if credentials else {},
        _files_in(places.secrets, known, faults),
        _variables(_dotenv(dotenv, faults), f"{dotenv}: ", known, faults),
    ]
    merged: dict[str, Told] = {}
    for layer in layers:
        merged = {**layer, **merged}
    return merged


def _variables(variables: Mapping[str, str], place: str, known: AbstractSet[str], faults: Faults) -> dict[str, Told]:
    """Read plain variables and those that name a file."""
    ours = {name: text for name, text in variables.items() if name.startswith(PREFIX) and text.strip()}
    told: dict[str, Told] = {}
    for name, text in ours.items():
        plain = name.removesuffix(FILE_SUFFIX)
        if plain == name or _short(name) in known:
            told[_short(name)] = Told(text, place + name)
        elif plain in ours:
            faults.add(f"{plain} and {name} are both set", place + name, "keep one of the two")
        else:
            content = _read(Path(text), place + name, faults)
            if content is not None:
                told[_short(plain)] = Told(content, f"{place}{name} ({text})")
    return told


def _files_in(folder: Path, known: AbstractSet[str], faults: Faults) -> dict[str, Told]:
    """Read a folder with one file per setting, named as the variable or as its short lower-case name."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError:
        return {}
    told: dict[str, Told] = {}
    for name in names:
        ours = name.upper().startswith(PREFIX) or name.lower() in known or name.lower().endswith(BASE_URL)
        content = _read(folder / name, str(folder / name), faults) if ours else None
        if content:
            told[_short(name)] = Told(content, str(folder / name))
    return told


def _short(name: str) -> str:
    return name.lower().removeprefix(PREFIX.lower())


def _dotenv(path: Path, faults: Faults) -> dict[str, str]:
    """Read `.env`, unless others can read it too."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return {}
    if mode & stat.S_IROTH:
        faults.add("others can read .env", str(path), f"chmod 600 {path}")
        return {}
    if not os.access(path, os.R_OK):
        faults.add(".env cannot be read by this user", str(path), f"chown or remove {path}")
        return {}
    try:
        values = dotenv_values(path, interpolate=False)
    except UnicodeDecodeError:
        faults.add(".env is not UTF-8", str(path), "save it as UTF-8")
        return {}
    return {name: text for name, text in values.items() if text}


def _read(path: Path, where: str, faults: Faults) -> str | None:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        faults.add(f"{path} cannot be read: {error.strerror}", where, "name a file this user can read")
    except UnicodeDecodeError:
        faults.add(f"{path} is not UTF-8 text", where, "save it as UTF-8")
    return None
