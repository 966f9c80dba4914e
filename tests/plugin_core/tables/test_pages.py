"""Pages that are written from tables, by one command."""

from pathlib import Path

from auricle.plugin_core.tables import pages


def test_written_pages_are_up_to_date() -> None:
    assert not pages.stale(), f"write them anew: {pages.COMMAND}"


def test_one_command_writes_the_pages_that_are_stale(tmp_path: Path) -> None:
    assert pages.stale(tmp_path) == pages.write(tmp_path) == ["methods.md", "scene.md"]
    assert not pages.stale(tmp_path)
    (tmp_path / "scene.md").write_text("edited by hand")
    assert pages.write(tmp_path) == ["scene.md"]
    assert "## Track types" in (tmp_path / "methods.md").read_text(encoding="utf-8")
