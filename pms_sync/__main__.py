"""`python -m pms_sync` is the command `pms-sync`."""

from __future__ import annotations

from pms_sync.cli.main import main

if __name__ == "__main__":
    main()
