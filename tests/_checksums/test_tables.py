import hashlib

import numpy as np
import pandas as pd
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import avfusion as av
from avfusion._checksums import check_table, write_table

READ = {".parquet": pd.read_parquet, ".feather": pd.read_feather}


@pytest.fixture(params=READ)
def path(request, tmp_path):
    table = av.as_sequences({"mood": [np.linspace(0, 1, 50), None]}, dtype="float64", rate_hz=5)
    write_table(
        table.assign(subject=["a", "b"]).set_axis(["u", "v"]), tmp_path / f"t{request.param}", request.param
    )
    return tmp_path / f"t{request.param}"


def test_one_byte_that_changes_is_found_or_changes_nothing(path):
    rng, good = np.random.default_rng(0), path.read_bytes()
    expected = READ[path.suffix](path)
    changed = path.with_name(f"changed{path.suffix}")
    found = 0
    for place in rng.integers(len(good), size=60):
        damaged = bytearray(good)
        damaged[place] ^= 1 << rng.integers(8)
        changed.write_bytes(damaged)
        try:
            check_table(changed)
        except ValueError as error:
            message = str(error)
        else:  # the checksum itself was hit
            pd.testing.assert_frame_equal(READ[path.suffix](changed), expected)
            continue
        assert str(changed) in message
        found += 1
    assert found > 50


def test_the_checksum_is_that_of_the_file_with_zeros_in_its_place(path):
    content = path.read_bytes()
    _, _, rest = content.partition(b"avfusion.sha256=")
    size, digest = rest[:16], rest[16:80]
    with_zeros = content.replace(b"avfusion.sha256=" + size + digest, b"avfusion.sha256=" + b"0" * 80)
    assert hashlib.sha256(with_zeros).hexdigest().encode() == digest
    assert int(size, 16) == len(content)
    check_table(path)


def test_pages_of_parquet_have_checksums_that_others_check(tmp_path):
    numbers = np.random.default_rng(0).normal(size=1000)
    write_table(pd.DataFrame({"a": numbers}), path := tmp_path / "t.parquet", ".parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"[Cc][Rr][Cc]|checksum"):
        pq.read_table(path, page_checksum_verification=True)


@pytest.mark.parametrize("suffix", READ)
def test_tables_of_other_programs_pass(tmp_path, suffix):
    table = pd.DataFrame({"a": ["avfusion.sha256=" + "ab" * 40]})
    path = tmp_path / f"t{suffix}"
    plain = pd.DataFrame({"a": [0.5]})
    plain.to_parquet(path) if suffix == ".parquet" else plain.to_feather(path)
    check_table(path)
    write_table(table, path, suffix)
    check_table(path)  # text that looks like it is no checksum
    assert READ[suffix](path)["a"].tolist() == table["a"].tolist()


@pytest.mark.parametrize("suffix", READ)
def test_a_table_that_arrow_made_of_ours_with_its_metadata_passes(tmp_path, suffix):
    write_table(pd.DataFrame({"a": np.arange(100.0)}), tmp_path / "ours.parquet", ".parquet")
    half = pq.read_table(tmp_path / "ours.parquet").slice(0, 50)
    assert b"avfusion.sha256" in half.schema.metadata
    path = tmp_path / f"half{suffix}"
    pq.write_table(half, path) if suffix == ".parquet" else pyarrow.feather.write_feather(half, path)
    check_table(path)
    assert len(READ[suffix](path)) == 50


@pytest.mark.parametrize("kind", [".parquet", ".feather"])
def test_a_table_may_have_a_name_that_is_no_text(tmp_path, kind):
    path = tmp_path / f"caf\udce9{kind}"
    write_table(pd.DataFrame({"mood": [0.5]}), path, kind)
    check_table(path)
