"""The digest of a record: its bytes together with the meaning they have now."""

from __future__ import annotations

from pms_sync.domain.digest import record_digest, record_digests


def test_many_bodies_have_the_digests_that_each_has_alone() -> None:
    digest = record_digests(3, 7)
    assert [digest(body) for body in (b"", b"{}", b"x" * 2000)] == [
        record_digest(body, 3, 7) for body in (b"", b"{}", b"x" * 2000)
    ]


def test_another_mapper_or_other_codes_make_another_digest() -> None:
    assert len({record_digest(b"{}", mapper, codes) for mapper in (1, 2) for codes in (1, 2)}) == 4
