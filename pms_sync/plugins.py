"""Discovery: connectors, doors, mappers and simulators are entry points, in-tree and third-party alike.

A plugin names its vendor as the entry point's name. Asking for one that is missing, broken, offered twice or written
for another version of the plugin contract raises ConfigurationFault with the remedy.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from pms_sync.domain.errors import ConfigurationFault
from pms_sync.ports.connector import PLUGIN_API, ConnectorPlugin, Door
from pms_sync.ports.mapper import Mapper

CONNECTORS = "pms_sync.connectors"
DOORS = "pms_sync.doors"
MAPPERS = "pms_sync.mappers"
SIMULATORS = "pms_sync.simulators"


def connectors() -> dict[str, ConnectorPlugin]:
    """Return every connector by vendor."""
    return cast("dict[str, ConnectorPlugin]", _all(CONNECTORS))


def doors() -> dict[str, Door]:
    """Return every webhook door by vendor: by an entry point of its own, else with its connector."""
    vendors = sorted(names(DOORS) | names(CONNECTORS))
    found = {vendor: _door(vendor) for vendor in vendors}
    return {vendor: told for vendor, told in found.items() if told is not None}


def mappers() -> dict[str, Mapper]:
    """Return every mapper by vendor."""
    return cast("dict[str, Mapper]", _all(MAPPERS))


def simulators() -> dict[str, Any]:
    """Return every simulator by vendor."""
    return _all(SIMULATORS)


def names(group: str) -> frozenset[str]:
    """Return the vendors that offer a plugin of a group, without loading any."""
    return frozenset(_entries(group))


def door(vendor: str) -> Door:
    """Load one vendor's webhook door."""
    return _door(vendor) or cast("Door", one(DOORS, vendor))


def mapper(vendor: str) -> Mapper:
    """Load one vendor's mapper."""
    return cast("Mapper", one(MAPPERS, vendor))


def package(group: str, vendor: str) -> str:
    """Return the name of the package that one vendor's plugin lies in, without loading it."""
    return _entry(group, vendor).module


def one(group: str, vendor: str) -> object:
    """Load one vendor's plugin of a group, leaving the others alone."""
    return _load(_entry(group, vendor))


def _door(vendor: str) -> Door | None:
    """Load a vendor's door, by an entry point of its own or with its connector."""
    if vendor in names(DOORS):
        return cast("Door", one(DOORS, vendor))
    return getattr(one(CONNECTORS, vendor), "door", None) if vendor in names(CONNECTORS) else None


def _entry(group: str, vendor: str) -> EntryPoint:
    found = _entries(group)
    if vendor not in found:
        known = ", ".join(sorted(found)) or "none"
        kind = group.rpartition(".")[2].removesuffix("s")
        raise ConfigurationFault(
            f"no {kind} for vendor {vendor[:60]!r}", group, f"installed: {known}; see `connectors list`"
        )
    return found[vendor]


def _all(group: str) -> dict[str, object]:
    return {name: _load(entry) for name, entry in sorted(_entries(group).items())}


def _entries(group: str) -> dict[str, EntryPoint]:
    """Find a group's entry points; the same one seen twice (an editable install) counts once."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=group):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            what = f"vendor {entry.name!r} is offered twice"
            raise ConfigurationFault(what, f"{group}: {other.value} and {entry.value}", "uninstall one of the two")
    return found


def _load(entry: EntryPoint) -> object:
    """Import a plugin and check the contract it was written for."""
    where = f"{entry.group}: {entry.name} = {entry.value}"
    try:
        plugin: object = entry.load()
    except Exception as error:
        what = f"plugin {entry.name!r} cannot be loaded: {type(error).__name__}: {error}"
        raise ConfigurationFault(what, where, "reinstall the plugin, or uninstall it") from error
    declared = getattr(getattr(plugin, "spec", plugin), "plugin_api", PLUGIN_API)
    if declared != PLUGIN_API:
        what = f"plugin {entry.name!r} speaks plugin API {declared}, this product {PLUGIN_API}"
        raise ConfigurationFault(what, where, "install a version of the plugin made for this product")
    return plugin
