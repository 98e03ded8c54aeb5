"""Logins: what an account must be before it is stored, in the same words for a command and for a hotel file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from config.faults import Faults
from config.hotels import Account as DeclaredAccount
from config.hotels import AccountCheck
from conflict.ownership import ownership
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.ingest.runtimes import Vendor
from pms_sync.ports.connector import ConnectorContext, ConnectorSpec

Vendors = Mapping[str, Vendor]

_VENDOR, _CREDENTIAL, _REF = "VENDOR", "--credential", "property_ref"
_MOST_LETTERS = 65_536
_KEYS = {_VENDOR: "vendor", _CREDENTIAL: "credentials_file"}
"""Where a fault stands in a hotel file, by where it stands in a command."""


def spec_of(vendors: Vendors, name: str) -> ConnectorSpec:
    """Return the vendor's facts; raises ConfigurationFault unless it is installed."""
    vendor = vendors.get(name)
    if vendor is None:
        known = ", ".join(sorted(vendors)) or "none"
        raise ConfigurationFault(f"no connector for vendor {name[:60]!r}", _VENDOR, f"installed: {known}")
    return vendor.plugin.spec


def require_known_credentials(spec: ConnectorSpec, given: Mapping[str, str]) -> None:
    """Raise ConfigurationFault unless there is a credential and the vendor knows every name."""
    names = {*spec.credential_keys, *spec.secret_credentials, *spec.client_credentials}
    unknown = sorted(set(given) - names)
    if unknown or not given:
        what = f"unknown credential {unknown[0][:60]!r}" if unknown else "no credential given"
        raise ConfigurationFault(what, _CREDENTIAL, f"{spec.label} knows: {', '.join(sorted(names))}")


def require_one_line(name: str, text: str) -> None:
    """Raise ConfigurationFault unless the credential can stand in a request's header; the value is never told."""
    if not text.isprintable() or not 0 < len(text) <= _MOST_LETTERS:
        what = f"credential {name[:60]!r} is empty, too long, or has line breaks or other invisible characters"
        raise ConfigurationFault(what, _CREDENTIAL, "give it as one line, as the vendor shows it")


def let_connector_look(vendor: Vendor, property_ref: str, given: Mapping[str, str]) -> None:
    """Build a connector that talks to nobody: it knows what its vendor's ids look like. Raises ConfigurationFault."""
    context = ConnectorContext(
        base_url=vendor.base_url,
        property_ref=property_ref,
        credentials=given,
        client=vendor.client,
        tokens=None,
        report=lambda _facts: None,
        now=lambda: datetime.now(UTC),
    )
    vendor.plugin.connect(context)


def in_hotel_files(vendors: Vendors) -> AccountCheck:
    """Return what `load_hotels` asks of every account, so that all faults of all files are told at once."""

    def check(account: DeclaredAccount, where: str, faults: Faults) -> None:
        for fault in _faults_of(vendors, account):
            faults.add(fault.what, where + _KEYS.get(fault.where, fault.where), fault.remedy)

    return check


def _faults_of(vendors: Vendors, account: DeclaredAccount) -> list[ConfigurationFault]:
    try:
        spec = spec_of(vendors, account.vendor)
    except ConfigurationFault as fault:
        return [fault]
    found, given = [], account.credentials.reveal()
    try:
        if account.credentials_file is not None:
            require_known_credentials(spec, given)
        for name, text in given.items():
            require_one_line(name, text)
    except ConfigurationFault as fault:
        found.append(fault)
    try:
        let_connector_look(vendors[account.vendor], account.property_ref, given)
    except ConfigurationFault as fault:
        if fault.where == _REF or (given and not found):  # no login yet is no fault
            found.append(fault)
    try:
        ownership(account.role, account.ownership)
    except ConfigurationFault as fault:
        found.append(fault)
    return found
