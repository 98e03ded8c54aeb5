"""Discovery of plugins: found by entry point, refused with a remedy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pms_sync import plugins
from pms_sync.domain.errors import ConfigurationFault

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Lay out a distribution with entry points and modules, as an installer would."""

    def lay_out(name: str, entry: str, **modules: str) -> None:
        site = tmp_path / name
        metadata = site / f"{name}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{plugins.MAPPERS}]\n{entry}\n")
        for module, source in modules.items():
            (site / f"{module}.py").write_text(source)
            monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(site)

    return lay_out


def test_a_third_party_mapper_is_found_by_its_vendor(install: Install) -> None:
    """Nothing in the product names the vendor."""
    install(
        "innbox_plugin",
        "innbox = innbox_mapper:MAPPER",
        innbox_mapper="class M:\n    vendor = 'innbox'\nMAPPER = M()\n",
    )

    assert plugins.mapper("innbox").vendor == "innbox"
    assert "innbox" in plugins.mappers()


def test_an_unknown_vendor_is_named_together_with_the_known_ones(install: Install) -> None:
    """The remedy lists what is installed."""
    install("innbox_plugin", "innbox = innbox_mapper:MAPPER", innbox_mapper="MAPPER = object()\n")

    with pytest.raises(ConfigurationFault, match=r"no mapper for vendor 'nowhere'.*innbox"):
        plugins.mapper("nowhere")


def test_a_plugin_for_another_contract_is_refused(install: Install) -> None:
    """Its methods may mean something else."""
    install(
        "innbox_plugin", "innbox = innbox_mapper:MAPPER", innbox_mapper="class M:\n    plugin_api = 99\nMAPPER = M()\n"
    )

    with pytest.raises(ConfigurationFault, match="plugin API 99"):
        plugins.mapper("innbox")


def test_a_plugin_that_cannot_be_imported_is_refused_and_leaves_the_others_alone(install: Install) -> None:
    """One broken plugin is one vendor missing."""
    install("broken_plugin", "broken = broken_mapper:MAPPER", broken_mapper="import nothing_of_that_name\n")
    install("innbox_plugin", "innbox = innbox_mapper:MAPPER", innbox_mapper="MAPPER = object()\n")

    assert plugins.mapper("innbox") is not None
    with pytest.raises(ConfigurationFault, match="cannot be loaded: ModuleNotFoundError"):
        plugins.mapper("broken")


def test_two_plugins_for_one_vendor_are_refused(install: Install) -> None:
    """Which one would answer must not depend on the order of a path."""
    install("innbox_plugin", "innbox = innbox_mapper:MAPPER", innbox_mapper="MAPPER = object()\n")
    install("other_plugin", "innbox = other_mapper:MAPPER", other_mapper="MAPPER = object()\n")

    with pytest.raises(ConfigurationFault, match="offered twice"):
        plugins.mapper("innbox")
