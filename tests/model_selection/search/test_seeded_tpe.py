import datetime

import numpy as np
import optuna
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from avfusion.model_selection.search._seeded_tpe import SeededTPESampler, slot_of

START = datetime.datetime(2024, 1, 1)


def trial(number, begin, end, cut_off):
    frozen = optuna.trial.create_trial(
        state=TrialState.FAIL if cut_off else TrialState.COMPLETE, value=None if cut_off else 1.0
    )
    frozen.number = number
    frozen.datetime_start = START + datetime.timedelta(seconds=begin)
    frozen.datetime_complete = START + datetime.timedelta(seconds=end)
    return frozen


def slots(trials):
    return [slot_of(t.number, trials) for t in trials]


def test_one_after_the_other_a_slot_is_taken_again_when_its_trial_was_cut_off():
    alone = [trial(n, 2 * n, 2 * n + 1, cut_off=n in (1, 2, 4)) for n in range(7)]
    assert slots(alone) == [0, 1, 1, 1, 2, 2, 3]


def test_at_the_same_time_slots_differ():
    assert slots([trial(n, 0, 9, cut_off=n == 0) for n in range(3)]) == [0, 1, 2]
    # the first two die together, then two take their slots, then one goes on
    both = [trial(0, 0, 5, True), trial(1, 0, 5, True), trial(2, 6, 9, False), trial(3, 6, 9, False)]
    assert slots([*both, trial(4, 10, 11, False)]) == [0, 1, 0, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.booleans()), max_size=12))
def test_no_slot_has_two_trials_that_count(steps):
    begins = np.cumsum([step for step, _, _ in steps])
    trials = [
        trial(n, int(begin), int(begin) + lasts, cut_off)
        for n, (begin, (_, lasts, cut_off)) in enumerate(zip(begins, steps))
    ]
    found = slots(trials)
    kept = [slot for slot, (_, _, cut_off) in zip(found, steps) if not cut_off]
    assert len(set(kept)) == len(kept)
    # what came later does not matter
    assert found == [slot_of(n, trials[: n + 1]) for n in range(len(trials))]


def test_the_seed_is_of_the_search_and_the_slot():
    def suggestions(seed):
        study = optuna.create_study(sampler=SeededTPESampler(seed, constant_liar=False))
        return [study.ask().suggest_float("x", 0, 1) for _ in range(4)]

    assert suggestions(0) == suggestions(0)
    assert len({*suggestions(0), *suggestions(1)}) == 8
