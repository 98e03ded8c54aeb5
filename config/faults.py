"""Collecting faults, so that a person corrects all of them in one go."""

from __future__ import annotations

from typing import NamedTuple

from pms_sync.domain.errors import ConfigurationFault


class Found(NamedTuple):
    """One thing that is wrong: what, where, and the remedy."""

    what: str
    where: str
    remedy: str


class Faults:
    """A list of faults that becomes one ConfigurationFault."""

    def __init__(self) -> None:
        """Begin with none."""
        self.found: list[Found] = []

    def add(self, what: str, where: str, remedy: str) -> None:
        """Note one fault and go on."""
        self.found.append(Found(what, where, remedy))

    def raise_all(self, of: str) -> None:
        """Raise ConfigurationFault with every fault in it, numbered when there are several; `of` names the whole."""
        if not self.found:
            return
        if len(self.found) == 1:
            raise ConfigurationFault(*self.found[0])
        counted = [Found(*(f"({number}) {part}" for part in one)) for number, one in enumerate(self.found, 1)]
        what, where, remedy = ("; ".join(parts) for parts in zip(*counted, strict=True))
        raise ConfigurationFault(f"{len(counted)} faults in {of}: {what}", where, remedy)
