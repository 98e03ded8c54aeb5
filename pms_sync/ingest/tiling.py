"""Tiling: how a range is cut into windows, and what follows a page: another page, a shorter window, another pass."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol

from pms_sync.domain.errors import ConfigurationFault
from pms_sync.ingest.paging import LoopGuard, must_repeat
from pms_sync.ingest.windows import DAY, quarter_of, tile_end
from pms_sync.ports.connector import Page, StreamSpec, Window

Move = Literal["page", "split", "repeat", "finish"]


class Place(Protocol):
    """Where a reader stands in a range: the start of the tile at hand, and maybe a page in the middle of it."""

    @property
    def position(self) -> datetime:
        """The start of the tile at hand."""

    @property
    def range_to(self) -> datetime:
        """The end of the range."""

    @property
    def page(self) -> str | None:
        """The vendor's token of the page to read, None for the first."""

    @property
    def tile_to(self) -> datetime | None:
        """The end of the tile that the page belongs to."""


class Spot(NamedTuple):
    """What moves of a place."""

    position: datetime
    page: str | None = None
    tile_to: datetime | None = None


def dimension_of(spec: StreamSpec) -> str:
    """Return the dimension that lists everything of a stream; raises ConfigurationFault when there is none."""
    if spec.snapshot_dimension is None:
        what = f"the stream {spec.name} cannot be listed as a whole"
        raise ConfigurationFault(what, spec.name, "choose a stream that has a snapshot dimension")
    return spec.snapshot_dimension


class Tiling:
    """How the tiles are cut: as long as fits a page, since a page is one look and pages of a moving list are several.

    A vendor that lists the newest first is paged through: there a change pushes rows only towards pages still to come.
    Elsewhere a tile that does not fit is cut to a quarter, and grown again where little is found. A single day that
    does not fit is paged through until a pass brings nothing new.
    """

    def __init__(self, spec: StreamSpec, where: str, *, resumed: bool = False) -> None:
        """Begin with everything; a tile taken up in the middle had pages that brought something, for all we know."""
        self._spec, self._where = spec, where
        self._span: timedelta | None = None
        self._passes, self._pages, self._new = 1, int(resumed), int(resumed)
        self._guard = LoopGuard(where)

    @property
    def is_first_pass(self) -> bool:
        """Tell whether the tile at hand is read for the first time."""
        return self._passes == 1

    def window(self, dimension: str, place: Place) -> Window:
        """Return the tile at hand."""
        end = place.tile_to
        if place.page is None or end is None:
            end = tile_end(place.position, place.range_to, self._span, self._spec.max_snapshot_window)
        return Window(dimension=dimension, start=place.position, end=end)

    def judge(self, page: Page, window: Window, *, new: int) -> Move:
        """Say what follows a page that brought so many new rows."""
        if page.next is not None:
            slippery = self._spec.page_order != "newest_first"
            return "split" if slippery and self._pages == 0 and window.end - window.start > DAY else "page"
        again = must_repeat(self._spec, pages=self._pages + 1, new=self._new + new, passes=self._passes)
        return "repeat" if again else "finish"

    def is_restless(self, page: Page, *, new: int) -> bool:
        """Tell of a page after which the tile is finished whether its passes had not come to rest."""
        told = (self._pages + 1, self._new + new)
        return page.next is None and must_repeat(self._spec, pages=told[0], new=told[1], passes=0)

    def done(self, move: Move, page: Page, window: Window, *, rows: int, new: int) -> None:
        """Remember a page that was taken; raises VendorFault when the listing does not end."""
        if move == "page":
            self._guard.check(page)
            self._pages, self._new = self._pages + 1, self._new + new
            return
        span = window.end - window.start
        if move == "split":
            self._span = quarter_of(span)
        elif move == "finish":
            little = self._pages == 0 and rows * 2 < self._spec.page_size
            self._span = span * 2 if little else span
        self._passes = self._passes + 1 if move == "repeat" else 1
        self._pages = self._new = 0
        self._guard = LoopGuard(self._where)


def following(move: Move, page: Page, window: Window) -> Spot:
    """Return where to go on after a page."""
    if move == "page":
        return Spot(window.start, page.next, window.end)
    return Spot(window.end if move == "finish" else window.start)
