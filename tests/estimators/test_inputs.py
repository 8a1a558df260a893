"""Bad input: what regressors say, before anything is trained."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.estimators._inputs import aligned_lengths, choose_modalities, companions
from avfusion.sequences._recordings import read_recordings

TREES = av.FrameRegressor(ExtraTreesRegressor(3, random_state=0))
MODELS = {
    "network": av.EarlyFusionRegressor(max_epochs=1, hidden_size=4, random_state=0),
    "attention": av.RecursiveJointAttentionRegressor(max_epochs=1, hidden_size=4, random_state=0),
    "frames": TREES,
    "late": av.LateFusionRegressor([("all", TREES, None)]),
    "rescaled": av.RescaledRegressor(TREES, n_splits=2),
}
STREAMS = ("audio", "video")
each = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
LEARNT = ("net_", "regressors_", "estimators_", "regressor_")


def refuses(model, X, y, message, kind=ValueError):
    """`fit` says so, whatever it was before, and has learnt nothing."""
    model = clone(model)
    with pytest.raises(kind, match=message):
        model.fit(X, y)
    assert not any(hasattr(model, name) for name in LEARNT)
    with pytest.raises(NotFittedError):
        model.predict(X)


def refuses_to_predict(model, X, y, other, message):
    model = clone(model).fit(X, y)
    with pytest.raises(ValueError, match=message):
        model.predict(other)


def with_frames(X, name, change):
    """X with other frames in a column; `change` is given its frames, and where rows begin in them."""
    column = X[name].array.pack()
    frames = column.frames.copy()
    change(frames, column.starts)
    return X.assign(**{name: column.with_frames(frames)})


@pytest.fixture
def X(ragged):
    """The recordings, without absent streams."""
    X, y = ragged
    rng = np.random.default_rng(1)
    audio, video = ([rng.normal(size=(len(cell), width)) for cell in y] for width in (3, 2))
    return X.assign(
        audio=av.SequenceArray.from_sequences(audio, "float32", rate_hz=1),
        video=av.SequenceArray.from_sequences(video, "float32", rate_hz=1),
        age=[1, 2, 3, 4, 5, 6],
    )


@pytest.fixture
def y(ragged):
    return ragged[1]


def test_the_recordings_are_sound(X, y):
    assert X["audio"].array.lengths.tolist() == X["video"].array.lengths.tolist()
    assert X["audio"].array.lengths.tolist() == y.array.lengths.tolist()
    for model in MODELS.values():
        clone(model).fit(X, y).predict(X)


def test_unequal_lengths(X, y):
    cells = [cell.frames for cell in X["video"]]
    cells[3] = cells[3][:-2]
    other = X.assign(video=av.SequenceArray.from_sequences(cells, rate_hz=1))
    message = re.escape(
        "Unequal lengths in row 3 (index 'd'): 'audio' has 7 steps, 'video' has 5. This estimator reads its "
        "streams in step: bring them onto one time base with avfusion.Align(rate_hz=...)."
    )
    for model in MODELS.values():
        refuses(model, other, y, message)
        refuses_to_predict(model, X, y, other, message)


@each
def test_different_rates(model, X, y):
    other = X.assign(video=X["video"].array.with_frames(X["video"].array.pack().frames, rate_hz=5))
    message = r"different rates \('audio' 1 Hz, 'video' 5 Hz\).*avfusion.Align"
    refuses(model, other, y, message)
    refuses_to_predict(model, X, y, other, message)


@each
def test_changed_width(model, X, y):
    other = X.assign(video=X["audio"])
    message = r"Column 'video' has 3 features per frame, but .* was fitted on 2\. Give it the features of fit"
    refuses_to_predict(model, X, y, other, message)


@each
def test_lacking_modality(model, X, y):
    message = r"X lacks sequence columns that .* was fitted on: 'video'\. An absent stream is"
    refuses_to_predict(model, X, y, X.drop(columns="video"), message)


@pytest.mark.parametrize(
    "model",
    [
        av.EarlyFusionRegressor(modalities=["audio", "text"]),
        av.UnimodalRegressor("text"),
        av.FrameRegressor(modalities="text"),
        av.LateFusionRegressor([("one", TREES, "audio"), ("two", TREES, ["text"])]),
    ],
)
def test_unknown_modality(model, X, y):
    refuses(model, X, y, "X has no modality 'text'; its sequence columns are 'audio', 'video'.")


@pytest.mark.parametrize(
    "model",
    [
        av.EarlyFusionRegressor(modalities=["audio", "age"]),
        av.UnimodalRegressor("age"),
        av.FrameRegressor(modalities=["age"]),
        av.LateFusionRegressor([("one", TREES, "audio"), ("two", TREES, "age")]),
    ],
)
def test_numeric_column_where_sequences_are_needed(model, X, y):
    refuses(model, X, y, "Column 'age' has dtype int64, not sequences. avfusion.as_sequences makes")


@each
def test_numbers_where_fit_had_sequences(model, X, y):
    for other in (X[["age"]], np.zeros((3, 5)), [[1.0, 2.0]]):
        message = r"fitted on the sequence columns 'audio', 'video', but X has none\. Make them"
        refuses_to_predict(model, X, y, other, message)


@each
def test_sequences_where_fit_had_numbers(model, X, y):
    table, numbers = np.random.default_rng(0).normal(size=(6, 5)), np.arange(6.0)
    named_alike = pd.DataFrame({"features": X["audio"]})
    for other in (X, named_alike):
        refuses_to_predict(
            model, table, numbers, other, "fitted on a 2-D table of numbers, but X has sequence"
        )


@each
def test_metadata_without_sequences(model, X, y):
    message = r"no sequence column, and columns that are not numbers: 'subject'\. Turn .*as_sequences"
    refuses(model, X[["subject", "age"]], y, message)


@each
def test_repeated_column(model, X, y):
    refuses(model, pd.concat([X, X[["age"]]], axis=1), y, "The columns of X have names in common: 'age'")


@each
def test_empty_table(model, X, y):
    refuses(model, X.iloc[:0], y, f"X has no rows; {type(model).__name__} needs at least one recording")
    refuses_to_predict(model, X, y, X.iloc[:0], "X has no rows")
    refuses(model, X, y.iloc[:0], r"0 sample\(s\)")


@each
def test_infinite_features(model, X, y):
    def spoil(frames, starts):
        frames[starts[2] + 5, 1] = -np.inf

    other = with_frames(X, "video", spoil)
    message = r"Column 'video', row 2 \(index 'c'\): step 5 holds an infinite value\. Replace it, or set"
    refuses(model, other, y, message)
    refuses_to_predict(model, X, y, other, message)


@each
def test_infinite_labels(model, X, y):
    labels = [np.asarray(cell)[:, 0].copy() for cell in y]
    labels[4][2] = np.inf
    refuses(model, X, labels, r"y contains infinity.*\(row 4, target\). Use NaN for labels that are missing")


@each
def test_labels_of_another_length(model, X, y):
    labels = [np.asarray(cell) for cell in y]
    labels[3] = labels[3][:-1]
    message = re.escape(
        "steps: 6 for 7 in row 3 (index 'd'). Do both begin together? avfusion.pair(X, y, ...)"
    )
    refuses(model, X, labels, message)


@each
def test_labels_of_another_rate(model, X, y):
    def at(rate_hz, column):
        return av.SequenceArray(column.frames, column.starts, column.lengths, rate_hz=rate_hz)

    streams = [name for name in X.columns if isinstance(X[name].dtype, av.SequenceDtype)]
    X = X.assign(**{name: at(2.0, X[name].array.pack()) for name in streams})
    cells = av.SequenceArray.from_sequences([np.asarray(cell) for cell in y])
    labels = pd.Series(at(4.0, cells.pack()), index=X.index)
    message = r"labels have 4 Hz, the streams 2 Hz\. .*Align\(rate_hz=4\)"
    refuses(model, X, labels, message)
    clone(model).fit(X, pd.Series(at(2.0, cells.pack()), index=X.index))
    clone(model).fit(X, pd.Series(cells, index=X.index))  # no rate, no contradiction


@each
def test_another_rate_than_in_fit(model, X, y):
    faster = {name: X[name].array.with_frames(X[name].array.pack().frames, rate_hz=50) for name in STREAMS}
    message = r"streams have 50 Hz, but they had 1 Hz in fit\. .*Align\(rate_hz=1\)"
    refuses_to_predict(model, X, y, X.assign(**faster), message)


@each
def test_another_number_of_rows(model, X, y):
    refuses(model, X, y.iloc[:5], "inconsistent numbers of samples: X has 6 rows, y has 5")


@each
def test_labels_of_another_kind(model, X, y):
    refuses(model, X, list("abcdef"), "y holds classes, such as .a. in row 0", TypeError)
    mixed = [np.asarray(cell) for cell in y]
    mixed[2] = 0.5
    refuses(model, X, mixed, r"y mixes labels per frame \(row 0\) and per clip \(row 2\)")
    table = pd.DataFrame({"arousal": y, "rating": np.arange(6.0)}, index=y.index)
    refuses(model, X, table, r"mixes labels per frame \(y.'arousal'.\) and per clip \(y.'rating'.\)")


@each
def test_nothing_labelled(model, X, y):
    nothing = y.array.with_frames(np.full_like(y.array.pack().frames, np.nan))
    refuses(
        model,
        X,
        pd.Series(nothing, index=y.index, name="arousal"),
        "Nothing is labelled: arousal in y is NaN",
    )
    table = pd.DataFrame({"arousal": y, "valence": pd.Series(nothing, index=y.index)})
    refuses(model, X, table, "Nothing is labelled: valence in y is NaN everywhere")
    refuses(model, X, np.full(6, np.nan), "Nothing is labelled: target in y is NaN everywhere")


@each
def test_stream_that_is_never_observed(model, X, y):
    def blank(frames, starts):
        frames[:] = np.nan

    message = "Stream 'video' is never observed in the training rows: it is absent, or NaN throughout"
    refuses(model, with_frames(X, "video", blank), y, message)
    absent = X.assign(video=av.SequenceArray.from_sequences([None] * 6, width=2, rate_hz=1))
    refuses(model, absent, y, message)


def test_late_fusion_has_nothing_to_fit_on(X, y):
    absent = X.assign(video=av.SequenceArray.from_sequences([None] * 6, width=2, rate_hz=1))
    model = av.LateFusionRegressor([("one", TREES, "audio"), ("two", TREES, "video")])
    refuses(model, absent, y, "Estimator 'two' has nothing to fit on: 'video' absent everywhere")


@each
def test_row_without_any_stream(model, X, y):
    audio, video = (X[name].where(X.index != "e") for name in ("audio", "video"))
    other = X.assign(audio=audio, video=video)
    fits_others = isinstance(model, av.LateFusionRegressor)  # it fits on rows that have a stream
    message = r"(All streams are absent in|No stream is present in) row 4 \(index 'e'\).*Drop the row"
    if not fits_others:
        refuses(model, other, y, message)
    refuses_to_predict(model, X, y, other, message)


@each
def test_row_without_steps(model, X, y):
    cells = {
        name: [cell.frames[: 0 if row == 1 else None] for row, cell in enumerate(X[name])]
        for name in ("audio", "video")
    }
    other = X.assign(**{n: av.SequenceArray.from_sequences(c, rate_hz=1) for n, c in cells.items()})
    refuses(model, other, np.arange(6.0), r"The streams have no step in row 1 \(index 'b'\). Drop the row")
    refuses_to_predict(model, X, y, other, r"The streams have no step in row 1 \(index 'b'\). Drop the row")


def lengths_of(X, names, labels):
    """Return the steps of rows to be predicted, after a fit on rows like them with such labels."""
    spec = read_recordings(X, labels, caller="Test").spec(names, in_step=tuple(names))
    data = read_recordings(X, caller="Test")
    return aligned_lengths(data, replace(spec, companions=companions(data, names))).tolist()


def test_a_clip_without_any_stream_is_one_unobserved_step(X):
    audio, video = (X[name].where(X.index != "e") for name in ("audio", "video"))
    other = X.assign(audio=audio, video=video)
    assert lengths_of(other, ["audio", "video"], np.arange(6.0)) == [9, 4, 12, 7, 1, 10]


def test_lengths_come_from_other_streams_where_those_chosen_are_absent(ragged):
    X, y = ragged
    assert lengths_of(X, ["audio"], y) == [9, 4, 12, 7, 5, 10]
    with pytest.raises(ValueError, match=r"absent in row 1 \(index 'b'\) \(columns 'audio'\)"):
        lengths_of(X.drop(columns="video"), ["audio"], y)


def test_positions_name_rows_where_labels_are_numbers(X, y):
    other = X.set_axis(np.arange(10, 16))
    cells = [cell.frames for cell in X["video"]]
    cells[0] = cells[0][1:]
    other = other.assign(video=av.SequenceArray.from_sequences(cells, rate_hz=1))
    refuses(TREES, other, list(map(np.asarray, y)), r"Unequal lengths in row 0 \(index 10\)")


@pytest.mark.parametrize("modalities", [[], ["audio", "audio"]])
def test_modalities_are_one_or_more_and_different(X, modalities):
    with pytest.raises(ValueError, match="must name one or more different sequence columns"):
        choose_modalities(read_recordings(X, caller="Test"), modalities)


def test_unimodal_regressor_has_to_know_which(X, y):
    refuses(av.UnimodalRegressor(), X, y, r"X has 2 modalities: set modality to one of 'audio', 'video'")


def test_everything_that_as_sequences_takes_is_taken(X, y):
    lists = {name: [cell.frames for cell in X[name]] for name in ("audio", "video")}
    forms = [
        X[["audio", "video"]],
        lists,
        [dict(zip(lists, row)) for row in zip(*lists.values())],
        pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in lists.items()}),
    ]
    labels = [np.asarray(cell) for cell in y]
    found = [clone(MODELS["network"]).fit(form, labels).predict(form) for form in forms]
    for predictions in found[1:]:
        for cell, expected in zip(predictions, found[0], strict=True):
            np.testing.assert_array_equal(cell, expected)


@pytest.mark.parametrize("form", [list, pd.Series, lambda c: av.SequenceArray.from_sequences(c, "float32")])
def test_one_modality_without_a_name(form, X, y):
    cells = [cell.frames for cell in X["audio"]]
    data, labels = form(cells), [np.asarray(cell) for cell in y]
    model = clone(MODELS["network"]).fit(data, labels)
    assert list(model.modalities_.values()) == [3]
    assert [len(cell) for cell in model.predict(data)] == [len(cell) for cell in labels]


class TestAbsentChosenStream:
    """The length of a row whose chosen streams are absent."""

    audio, video = (None, np.zeros((4, 1))), (np.zeros((30, 1)), np.zeros((4, 1)))

    def lengths(self, rates, y=None, rate_hz=None, companions=()):
        """Steps of the rows, as found out with what `fit` has seen: rate and companions of the audio."""
        X = av.as_sequences({"audio": self.audio, "video": self.video}, rate_hz=rates)
        labels = [np.zeros(4)] * 2 if y is None else y
        spec = read_recordings(X, labels, caller="Test").spec(["audio"], in_step=("audio",))
        spec = replace(spec, rates_hz={"audio": rate_hz}, companions=companions)
        data = read_recordings(X, *([] if y is None else [y]), caller="Test")
        return aligned_lengths(data, spec).tolist()

    @pytest.mark.parametrize(("video_rate", "expected"), [(5, 30), (25, 6), (60, 2), (1000, 1)])
    def test_the_duration_of_another_tells_it(self, video_rate, expected):
        assert self.lengths({"audio": 5, "video": video_rate}) == [expected, 4]
        assert self.lengths({"video": video_rate}, rate_hz=5) == [expected, 4]

    @pytest.mark.parametrize("rates", [{}, {"audio": 5}, {"video": 5}])
    def test_without_rates_the_steps_of_another_count_that_was_in_step_in_fit(self, rates):
        assert self.lengths(rates, companions=("video",)) == [30, 4]
        message = (
            r"absent in row 0 \(index 0\) \(columns 'audio'\).* so that the duration of 'video' determines it"
        )
        with pytest.raises(ValueError, match=message):
            self.lengths(rates)
        assert self.lengths(rates, y=[1.0, 2.0]) == [1, 4]

    def test_labels_tell_it_first(self):
        y = [np.zeros(7), np.zeros(4)]
        assert self.lengths({"audio": 5, "video": 5}, y=y, companions=("video",)) == [7, 4]

    def test_companions_are_in_step_wherever_both_are(self):
        def found(*video):
            X = av.as_sequences({"audio": [*self.audio, np.zeros((2, 1))], "video": list(video)})
            return companions(read_recordings(X, caller="Test"), ["audio"])

        four, two = np.zeros((4, 1)), np.zeros((2, 1))
        assert found(None, four, two) == found(two, four, None) == ("video",)
        assert found(None, four, four) == found(two, None, None) == ()


def frames_of(lengths, width, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, width)) for length in lengths]


@pytest.mark.parametrize(
    "model",
    [
        av.UnimodalRegressor("v", max_epochs=2, random_state=0),
        av.RecursiveJointAttentionRegressor(modalities=["v"], max_epochs=2, random_state=0),
        av.FrameRegressor(make_pipeline(SimpleImputer(), Ridge()), modalities=["v"]),
        av.MultimodalTransformerRegressor(max_epochs=2, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_an_unrelated_stream_lends_no_length(model):
    lengths = np.array([10, 12, 8, 9, 7])
    audio, video = frames_of(4 * lengths, 2), frames_of(lengths, 3)
    y = [x[:, 0] for x in video]
    X = av.as_sequences({"a": audio, "v": video})
    absent = X.assign(v=av.SequenceArray.from_sequences([None, *video[1:]], width=3))
    with pytest.raises(
        ValueError, match=r"absent in row 0 \(index 0\) .* so that the duration of 'a' determines it"
    ):
        clone(model).fit(X, y).predict(absent)
    assert [len(p) for p in clone(model).fit(absent, y).predict(X)] == lengths.tolist()  # labels told it
    rates = {"a": 20.0, "v": 5.0}
    X, absent = (
        pd.DataFrame(
            {name: x[name].array.with_frames(x[name].array.frames, rate_hz=rates[name]) for name in x}
        )
        for x in (X, absent)
    )
    assert [len(p) for p in clone(model).fit(X, y).predict(absent)] == lengths.tolist()


class TestGoingOn:
    """Training goes on with the streams and targets that it began with, in their order."""

    lengths = (12, 15, 9, 14)

    @pytest.fixture
    def X(self):
        return av.as_sequences({"audio": frames_of(self.lengths, 3), "video": frames_of(self.lengths, 3, 1)})

    @pytest.fixture
    def y(self):
        targets = [frames_of(self.lengths, 1, seed) for seed in (2, 3)]
        return pd.DataFrame(dict(zip(("valence", "arousal"), map(av.SequenceArray.from_sequences, targets))))

    @pytest.mark.parametrize("network", [av.EarlyFusionRegressor, av.LowRankFusionRegressor])
    def test_columns_may_come_in_another_order(self, network, X, y):
        model = network(hidden_size=4, max_epochs=2, random_state=0, warm_start=True).fit(X, y)
        expected = model.predict(X)
        model.set_params(max_epochs=1, lr=1e-12, weight_decay=0.0)
        more = X[["video", "audio"]].assign(text=X["audio"])
        for name, column in model.fit(more, y).predict(X).items():
            for one, other in zip(column, expected[name]):
                np.testing.assert_allclose(one.frames, other.frames, atol=1e-5)

    def test_other_streams_are_refused(self, X, y):
        model = av.EarlyFusionRegressor(hidden_size=4, max_epochs=1, warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match=r"'audio' are chosen, but the last fit.* had 'audio', 'video'"):
            model.set_params(modalities=["audio"]).fit(X, y)

    def test_targets_in_another_order_are_refused(self, X, y):
        swapped = y[["arousal", "valence"]]
        message = "has the targets 'arousal', 'valence', but in fit they were 'valence', 'arousal'"
        model = av.EarlyFusionRegressor(hidden_size=4, max_epochs=1, warm_start=True).fit(X, y)
        for again in (model.fit, model.partial_fit):
            with pytest.raises(ValueError, match=f"y {message}"):
                again(X, swapped)
        with pytest.raises(ValueError, match=f"y_val {message}"):
            clone(model).fit(X, y, X_val=X, y_val=swapped)
        with pytest.raises(ValueError, match="the same ones in another order"):
            model.score(X, swapped)

    def test_the_remedy_is_one(self, X, y):
        model = av.EarlyFusionRegressor(hidden_size=4, max_epochs=1).partial_fit(X, y)
        with pytest.raises(ValueError, match="Fit a new estimator, or this one with warm_start=False"):
            model.partial_fit(X, y["valence"])


def test_modalities_may_be_of_any_type_but_must_be_there(ragged):
    with pytest.raises(ValueError, match="X has no modality 3; its sequence columns are"):
        av.EarlyFusionRegressor(max_epochs=1, modalities=[3]).fit(*ragged)
    with pytest.raises(ValueError, match="X has no modality 3; its sequence columns are"):
        choose_modalities(read_recordings(ragged[0], caller="Test"), 3)


def test_labels_without_rows_are_refused(ragged):
    with pytest.raises(ValueError, match="y_val is given without X_val"):
        av.EarlyFusionRegressor(max_epochs=1).fit(*ragged, y_val=ragged[1])


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_here_is_named(ragged, device):
    with pytest.raises(ValueError, match=f"device='{device}' is not here: .*'cpu'"):
        av.EarlyFusionRegressor(max_epochs=1, device=device).fit(*ragged)
