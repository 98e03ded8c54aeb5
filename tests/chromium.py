"""The machine's Chromium, driven as a person would: pages opened at an address, and what a screen reader would miss."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import ConsoleMessage, Page, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FOUND = next((path for path in map(shutil.which, _NAMES) if path), None)
needs_chromium = pytest.mark.skipif(
    FOUND is None, reason=f"no chromium on this machine (looked for {', '.join(_NAMES)})"
)
DESKTOP, PHONE = (1280, 900), (390, 844)


class Visit:
    """One page in a browser of its own; `complaints` are what its console said, a policy that stopped something too."""

    def __init__(self, page: Page) -> None:
        """Listen to the page's console."""
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.complaints.append(said.text)

    async def sign_in(self, address: str, email: str, password: str) -> None:
        """Sign in by the page, which leads on to the begin page."""
        await self.page.goto(f"{address}/login")
        await self.page.fill("#email", email)
        await self.page.fill("#password", password)
        await self.page.click("main button")
        await self.page.wait_for_url(f"{address}/")

    async def barriers(self) -> list[str]:
        """Return what axe finds against WCAG on the page, after seeing that it looked at something."""
        found: dict[str, Any] = (await Axe().run(self.page)).response
        assert len(found["passes"]) > 10
        return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:2]]}" for one in found["violations"]]

    async def sideways(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        wider: int = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return wider


@asynccontextmanager
async def visiting(
    size: tuple[int, int] = DESKTOP, *, scheme: Literal["light", "dark"] = "light", script: bool = True
) -> AsyncIterator[Visit]:
    """Open a browser with one page; without `script` nothing of ours runs in it."""
    async with async_playwright() as playwright:
        # A sandbox needs rights that a container, or root, does not have; only our own pages are opened.
        browser = await playwright.chromium.launch(executable_path=FOUND, args=["--no-sandbox"])
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, java_script_enabled=script
        )
        try:
            yield Visit(await context.new_page())
        finally:
            await browser.close()
