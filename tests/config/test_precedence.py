"""Argument, environment, project, user, vendor, default: the first of these that speaks is heard."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from anyfit.backend import BackendFactory, VendorFile
from anyfit.config import Config, load_config

CORE = ("argument", "environment", "project profile", "project", "user profile", "user")
BACKEND = (*CORE[1:], "vendor 1", "vendor 2")
FILES = (("project", "project/anyfit.toml"), ("user", "xdg/anyfit/anyfit.toml"))
ORIGIN = {
    "argument": "argument",
    "environment": "environment ANYFIT_",
    "project profile": "anyfit.toml:2 [profiles.p",
    "project": "anyfit.toml:",
    "user profile": "user file /",
    "user": "user file /",
    "vendor 1": "vendor 1",
    "vendor 2": "vendor 2",
    "default": "default",
}


@frozen
class Settings:
    """Settings of the backend in these tests."""

    region: str = "default"


def load(root: Path, places: set[str], key: str, table: str = "") -> Config:
    """A configuration in which each of the places gives the key its own name as value."""
    for place, file in FILES:
        profile = f'{key} = "{place} profile"' if f"{place} profile" in places else ""
        top = f'[{table or "unused"}]\n{key} = "{place}"' if place in places and table else ""
        first = f'{key} = "{place}"' if place in places and not table else ""
        header = f"[profiles.p.{table}]" if table else "[profiles.p]"
        (root / file).parent.mkdir(parents=True)
        (root / file).write_text(f"{first}\n{header}\n{profile}\n{top}\n")
    environ = {"XDG_CONFIG_HOME": str(root / "xdg")}
    if "environment" in places:
        environ["_".join(filter(None, ("ANYFIT", table.upper(), key.upper())))] = "environment"
    return load_config("p", cwd=root / "project", environ=environ)


@given(st.sets(st.sampled_from(CORE)))
def test_core_key(places: set[str]) -> None:
    """A key of anyfit's own comes from the strongest place that has it, and names this place."""
    with TemporaryDirectory() as folder:
        config = load(Path(folder), places, "instance_type")
        config = config.with_arguments(instance_type="argument" if "argument" in places else None)
        winner = next((place for place in CORE if place in places), "default")

        assert config.core.instance_type == ("" if winner == "default" else winner)
        origin = config.core_value("instance_type").origin
        assert origin.startswith(ORIGIN[winner].replace(":2", ":3"))
        assert ("[profiles.p]" in origin) == winner.endswith("profile")


@given(st.sets(st.sampled_from(BACKEND)))
def test_backend_key(places: set[str]) -> None:
    """A backend's key does likewise, and the vendor's own files come after all of anyfit's."""
    asked = []

    def vendor_files() -> list[VendorFile]:
        asked.append(True)
        return [VendorFile(name, {"region": name} if name in places else {}) for name in ("vendor 1", "vendor 2")]

    factory = BackendFactory(
        name="local",
        summary="",
        settings=Settings,
        create=lambda *_: None,  # type: ignore[arg-type]
        vendor_files=vendor_files,
    )
    with TemporaryDirectory() as folder:
        config = load(Path(folder), places, "region", "local")
        winner = next((place for place in BACKEND if place in places), "default")

        assert config.backend_settings(factory) == Settings(winner)
        assert bool(asked) == (not places or winner.startswith("vendor"))
        entry = next(entry for entry in config.entries(factory) if entry.key == "local.region")
        assert entry.value == f'"{winner}"'
        assert entry.origin.startswith(ORIGIN[winner].replace(":2", ":3"))
        assert ("[profiles.p.local]" in entry.origin) == winner.endswith("profile")


@given(st.sets(st.sampled_from(("argument", "environment", "project", "user"))))
def test_profile(places: set[str]) -> None:
    """The profile itself is chosen by the same rule."""
    names = [f'[profiles."{place}"]' for place in ("argument", "environment", "project", "user")]
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for place, file in FILES:
            first = f'profile = "{place}"' if place in places else ""
            (root / file).parent.mkdir(parents=True)
            (root / file).write_text("\n".join([first, *names]))
        environ = {"XDG_CONFIG_HOME": str(root / "xdg")} | (
            {"ANYFIT_PROFILE": "environment"} if "environment" in places else {}
        )
        argument = "argument" if "argument" in places else None
        config = load_config(argument, cwd=root / "project", environ=environ)

        expected = next((place for place in ("argument", "environment", "project", "user") if place in places), "")
        assert config.profile == config.core.profile == expected
