"""The verdict on one written item: HTTP says 201 whatever happened, the truth is in here (vendors/beds24.md 4.2)."""

from __future__ import annotations

from connectors.kit.simulator.contract import Row

INVALID, REQUIRED = "invalid", "required"


class Verdict:
    """Grows while an item is carried out: errors are fatal for it, warnings are not, info is plain news."""

    def __init__(self, action: str) -> None:
        """Begin without objections; `action` is what the vendor calls the deed."""
        self._action = action
        self.new: Row = {}
        self.modified: Row = {}
        self.errors: list[Row] = []
        self.warnings: list[Row] = []
        self.info: list[Row] = []
        self._refused = False

    def error(self, field: str, message: str = INVALID, action: str | None = None) -> None:
        """Object to a field; the item fails, or the part of it that `action` names."""
        self.errors.append(self._told(field, message, action))

    def warn(self, field: str, message: str = INVALID) -> None:
        """Object to a field that is not required."""
        self.warnings.append(self._told(field, message, None))

    def refuse(self, field: str, message: str = INVALID) -> None:
        """Refuse with a warning only: `success` is false and there are no errors."""
        self.warn(field, message)
        self._refused = True

    def fruitless(self) -> None:
        """Note that nothing at all could be taken over; what was warned of becomes a refusal."""
        self._refused = self._refused or bool(self.warnings)

    def inform(self, message: str, booking_id: int) -> None:
        """Tell plain news of a booking."""
        self.info.append({"action": self._action, "id": booking_id, "message": message})

    @property
    def stopped(self) -> bool:
        """Tell whether the item must not be carried out."""
        return self._refused or bool(self.errors)

    def wire(self) -> Row:
        """Write the verdict; optional keys are absent when empty."""
        parts = {name: getattr(self, name) for name in ("new", "modified", "errors", "warnings", "info")}
        return {"success": not self.stopped, **{name: part for name, part in parts.items() if part}}

    def _told(self, field: str, message: str, action: str | None) -> Row:
        return {"action": action or self._action, "field": field, "message": message}
