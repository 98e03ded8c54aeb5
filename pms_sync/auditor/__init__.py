"""The auditor: reads the simulators' truth and the store by its own SQL, and says which invariants hold.

It shares no code with the daemon beyond the words of `domain`, so that one mistake cannot hide in both
(ARCHITECTURE §9).
"""

from __future__ import annotations

from pms_sync.auditor.digest import store_hash
from pms_sync.auditor.report import INVARIANTS, Audit, Counts, Difference, VendorAudit
from pms_sync.auditor.run import audit
from pms_sync.auditor.witness import Witness

__all__ = ["INVARIANTS", "Audit", "Counts", "Difference", "VendorAudit", "Witness", "audit", "store_hash"]
