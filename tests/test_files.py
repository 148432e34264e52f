import pytest

from gan_jax.files import atomic_write


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "record.txt"
    path.write_text("old")
    with atomic_write(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "record.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
