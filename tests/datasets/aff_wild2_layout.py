"""Write a folder as the ABAW challenge publishes its annotations, with features as people extract them."""

import numpy as np

FPS = 30.0
AUDIO_HZ = 100.0
VIDEOS = {  # person -> partition and frames
    "1-30-1280x720": ("Train_Set", 90),
    "video2_left": ("Train_Set", 75),
    "video2_right": ("Train_Set", 78),
    "video45": ("Train_Set", 60),
    "7-60-1920x1080": ("Validation_Set", 80),
    "video70_right": ("Validation_Set", 66),
}
NO_FACE = slice(20, 25)  # of frames, from 0


def write_aff_wild2(folder, seed=0, features=("audio", "video"), width=6):
    """Write the layout, and return what is in it.

    Returns
    -------
    labels : dict of str to ndarray (n_frames, 2)
        NaN for -5, whose rows are the same as those of frames without a face, and one more.
    video : dict of str to ndarray (n_frames, width)
        NaN where no face was found.
    audio : dict of str to ndarray (n_steps, 3)
        By video, at `AUDIO_HZ`.
    """
    rng = np.random.default_rng(seed)
    labels, video, audio = {}, {}, {}
    for name, (set_folder, n) in VIDEOS.items():
        path = folder / "6th ABAW Annotations" / "VA_Estimation_Challenge" / set_folder / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.clip(np.cumsum(rng.normal(0, 0.1, (n, 2)), axis=0), -1, 1).round(3)
        seen = np.column_stack([values, values**2, np.ones((n, width - 4))]) + rng.normal(0, 0.05, (n, width))
        values[NO_FACE], values[3] = np.nan, np.nan
        seen[NO_FACE] = np.nan
        labels[name], video[name] = values, seen.astype(np.float32)
        lines = ["-5,-5" if np.isnan(pair).any() else f"{pair[0]},{pair[1]}" for pair in values]
        path.write_text("\n".join(["valence,arousal", *lines]) + "\n")
        sound = name.replace("_left", "").replace("_right", "")
        if sound not in audio:
            audio[sound] = rng.normal(size=(int(80 / FPS * AUDIO_HZ), 3)).astype(np.float32)
    if "audio" in features:
        (folder / "audio").mkdir()
        for name, steps in audio.items():
            np.save(folder / "audio" / f"{name}.npy", steps)
    if "video" in features:
        write_frames(folder / "video", video)
    return labels, video, audio


def write_frames(folder, video):
    """Write a folder for each person and a file for each frame in which a face was found."""
    for name, frames in video.items():
        (folder / name).mkdir(parents=True)
        for k, frame in enumerate(frames):
            if not np.isnan(frame).any():
                np.save(folder / name / f"{k + 1:05d}.npy", frame)
