"""Journals: half a line is mended, damage is named, Optuna's own backend reads and writes beside ours."""

import json
import os
import pickle
import re
import resource
import threading
import warnings

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from avfusion.model_selection.search import _journal
from avfusion.model_selection.search._journal import JournalFile, open_journal
from avfusion.model_selection.search._workers import begin_trial, fail_stale_trials

N_TRIALS = 3


def add_trials(storage, times):
    study = optuna.create_study(study_name="s", storage=storage, load_if_exists=True)
    for _ in range(times):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        study.tell(trial, 0.5)
    return study


def optunas(file):
    return JournalStorage(JournalFileBackend(str(file)))


@pytest.fixture
def journal(tmp_path):
    file = tmp_path / "study.log"
    add_trials(open_journal(file), N_TRIALS)
    return file


@pytest.fixture
def lines(journal):
    return journal.read_bytes().splitlines(keepends=True)


def complete(storage):
    trials = optuna.load_study(study_name="s", storage=storage).get_trials(states=(TrialState.COMPLETE,))
    return len(trials)


def quietly_opened(file, times):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return complete(add_trials(open_journal(file), times)._storage)


def test_optuna_reads_what_we_write_and_the_other_way_round(journal):
    assert complete(optunas(journal)) == N_TRIALS
    add_trials(optunas(journal), 2)
    assert complete(open_journal(journal)) == N_TRIALS + 2


def test_optuna_and_we_write_at_the_same_time(journal):
    writers = [open_journal(journal), optunas(journal), open_journal(journal)]
    threads = [threading.Thread(target=add_trials, args=(storage, 8)) for storage in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert complete(open_journal(journal)) == complete(optunas(journal)) == N_TRIALS + 24


def test_half_a_last_line_is_removed_with_a_warning_and_the_rest_is_kept(journal, lines):
    journal.write_bytes(b"".join(lines)[:-9])
    with pytest.warns(
        UserWarning, match=f"its {len(lines[-1]) - 9} bytes were removed. All lines before"
    ) as seen:
        open_journal(journal).set_study_user_attr(0, "a", 1)
    assert "study.log" in str(seen[0].message)
    assert journal.read_bytes().splitlines(keepends=True)[:-1] == lines[:-1]
    assert complete(optunas(journal)) == N_TRIALS - 1


@pytest.mark.parametrize("kept", [0, 1, 5, 11, 12, 40])
def test_a_first_line_that_was_cut_is_no_journal_of_another_program(journal, lines, kept):
    journal.write_bytes(lines[0][:kept])
    assert quietly_opened(journal, 1) == 1


def test_a_whole_line_without_its_end_is_kept(journal, lines):
    journal.write_bytes(b"".join(lines)[:-1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert complete(add_trials(open_journal(journal), 1)._storage) == N_TRIALS + 1


def test_a_record_that_optuna_appended_to_half_a_line_is_read(journal, lines):
    journal.write_bytes(b"".join(lines)[:-9])
    with open(journal, "ab") as file:
        file.write(lines[-1])
    assert quietly_opened(journal, 1) == N_TRIALS + 1


def test_a_whole_line_that_lost_its_end_in_the_middle_is_damage(journal, lines):
    journal.write_bytes(b"".join(lines).replace(b"}\n", b"}x", 3))
    with pytest.raises(ValueError, match=r"study\.log is no journal of Optuna: its first line is no record"):
        open_journal(journal)


@pytest.mark.parametrize("number", [2, 5])
def test_a_changed_byte_is_found_and_what_is_before_it_can_be_kept(journal, lines, number, monkeypatch):
    line = lines[number - 1]
    place = line.index(b"study_id" if number == 2 else b'_id":') + 5
    lines[number - 1] = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
    journal.write_bytes(b"".join(lines))
    message = f"line {number} of study.log is damaged. The {number - 1} lines before it can be kept: "
    with pytest.raises(ValueError, match=message) as caught:
        open_journal(journal)
    assert len(str(caught.value)) <= 320
    command = re.search("kept: (.*), and then", str(caught.value))[1]
    monkeypatch.chdir(journal.parent)
    assert os.system(command) == 0
    open_journal("saved.log")
    assert (journal.parent / "saved.log").read_bytes() == b"".join(lines[: number - 1])


def test_a_journal_without_checksums_has_its_damaged_lines_named_too(tmp_path):
    add_trials(optunas(tmp_path / "study.log"), 3)
    content = (tmp_path / "study.log").read_bytes()
    (tmp_path / "study.log").write_bytes(content.replace(b'"op_code":6', b'"op_code";6', 1))
    with pytest.raises(ValueError, match=r"line 4 of study\.log is damaged"):
        open_journal(tmp_path / "study.log")


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"hello\nworld\n",
        b'{"a": 1}\n',
        b'{"op_code":99}\n',
        b'{"op_code":0}\n',
        b'{"op_code":' + b"[" * 100_000 + b"\n",
        b"\x80\x04K\x01.",
        bytes(5000),
    ],
)
def test_files_of_others_are_refused_and_left_as_they_are(tmp_path, content):
    (tmp_path / "a file").write_bytes(content)
    with pytest.raises(ValueError, match=r"a file'? is no journal of Optuna: its first line is no record"):
        open_journal(tmp_path / "a file")
    assert (tmp_path / "a file").read_bytes() == content


def test_what_has_no_end_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(_journal, "_LONGEST_LINE", 1000)
    (tmp_path / "large").write_bytes(b'{"op_code":' + bytes(5000))
    with pytest.raises(ValueError, match="is no journal"):
        open_journal(tmp_path / "large")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is a pipe, socket or device"):
        open_journal(tmp_path / "pipe")


def test_a_full_disk_takes_nothing_back_and_the_journal_goes_on_afterwards(journal, lines):
    storage = open_journal(journal)
    size, before = os.path.getsize(journal), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, before[1]))
    try:
        with pytest.raises(StorageInternalError, match=r"study.log cannot be written: File too large\."):
            add_trials(storage, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert journal.read_bytes() == b"".join(lines)
    assert complete(add_trials(storage, 1)._storage) == N_TRIALS + 1


def test_a_journal_that_is_removed_in_the_middle_is_no_empty_one(journal):
    storage = open_journal(journal)
    journal.unlink()
    with pytest.raises(StorageInternalError, match=r"study\.log cannot be written: No such file"):
        storage.set_study_user_attr(0, "a", 1)
    journal.write_bytes(b"")
    with pytest.raises(StorageInternalError, match=r"study\.log was cut by another program"):
        storage.get_all_studies()


def test_a_copy_in_another_process_reads_the_same(journal):
    again = pickle.loads(pickle.dumps(open_journal(journal)))
    assert complete(again) == N_TRIALS
    backend = JournalFile(str(journal))
    records = list(backend.read_logs(0))
    assert list(backend.read_logs(2)) == records[2:]
    assert records == [json.loads(line) for line in journal.read_bytes().splitlines()]


def test_home_is_a_folder_and_folders_are_made(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    open_journal("~/new/study.log")
    assert (tmp_path / "new" / "study.log").is_file()


def test_trials_of_other_machines_are_given_up_by_the_clock_of_this_one(journal, monkeypatch):
    storage = open_journal(journal)
    study, seconds = optuna.load_study(study_name="s", storage=storage), [0.0]
    monkeypatch.setattr(_journal.time, "monotonic", lambda: seconds[0])
    dead, slow, mine = (begin_trial(study) for _ in range(3))
    for trial in (dead, slow):
        trial.suggest_float("x", 0, 1)
        trial.set_user_attr("worker", ["another machine", 1, 0.0, "its boot"])
    for seconds[0] in (0.0, 200.0):
        storage.record_heartbeat(slow._trial_id)
        fail_stale_trials(study)
        assert not study.get_trials(states=(TrialState.FAIL,))
    seconds[0] = 310.0
    fail_stale_trials(study)
    assert [trial.number for trial in study.get_trials(states=(TrialState.FAIL,))] == [dead.number]
    assert study.get_trials(states=(TrialState.RUNNING,))[-1].number == mine.number
    (again,) = study.get_trials(states=(TrialState.WAITING,))
    assert again.params == dead.params
    assert _journal.HEARTBEAT not in again.system_attrs
