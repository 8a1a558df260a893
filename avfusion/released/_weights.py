"""Weights of the released code, by the names that it gives them.

What a parameter of ours (in a `FusionModel` around a `SkipFusion` of two streams) is called in the code of
arXiv 2304.07958, and of 2403.19554, which adds a gate. For attention step ``l``, stream ``m`` (0 is their
video, 1 their audio), target ``k`` (0 is valence, 1 arousal) and LSTM layer ``n``:

=========================================  ==============================================================
ours                                       theirs
=========================================  ==============================================================
network.encoders.<m>.initial_state         video_extract.init_hidden, audio_extract.init_hidden
network.encoders.<m>.linear.*              video_extract.linear.*, audio_extract.linear.*
network.encoders.<m>.forwards.<n>.*_l0     video_extract.rnn.*_l<n>, audio_extract.rnn.*_l<n>
network.encoders.<m>.backwards.<n>.*_l0    video_extract.rnn.*_l<n>_reverse, audio_extract.rnn.*_l<n>_reverse
network.joint.*                            Joint.*, as in the encoders
network.core.steps.<l>.query.*             coattn.dcn_layers.<l>.dense_coattn.query_linear.*
network.core.steps.<l>.keys.<m>.*          coattn.dcn_layers.<l>.dense_coattn.key<m + 1>_linear.*
network.core.steps.<l>.values.<m>.*        coattn.dcn_layers.<l>.dense_coattn.value<m + 1>_linear.*
network.core.steps.<l>.updates.<m>.*       coattn.dcn_layers.<l>.linears.<m>.0.*
network.core.gate.gates.<m>.score.*        video_gating_fc_layer.*, audio_gating_fc_layer.*
head.heads.<k>.*                           vregressor.*, aregressor.*
=========================================  ==============================================================

All have one shape on both sides. Ours alone are the vectors for absent streams and the statistics of the
inputs, which stay as they are; theirs alone is ``video_attn.*``, which makes 512 features of a map of the
face and which feature vectors skip.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from avfusion.released._skip_fusion import SkipEncoder
from avfusion.sequences._messages import quoted

__all__ = ["load_released", "read_released", "released_names", "released_state_dict"]

STREAMS, TARGETS = ("video", "audio"), ("vregressor", "aregressor")
OURS_ALONE = re.compile(r"norms\.|network\.encoders\.\d+\.absence\.")
THEIRS_ALONE = re.compile(r"video_attn\.")
RENAMINGS = [  # applied one after the other
    (r"^network\.encoders\.(\d)\.", lambda found: f"{STREAMS[int(found[1])]}_extract."),
    (r"^network\.joint\.", "Joint."),
    (r"\.initial_state$", ".init_hidden"),
    (r"\.forwards\.(\d)\.(\w+)_l0$", r".rnn.\2_l\1"),
    (r"\.backwards\.(\d)\.(\w+)_l0$", r".rnn.\2_l\1_reverse"),
    (r"^network\.core\.steps\.(\d+)\.", r"coattn.dcn_layers.\1."),
    (
        r"^network\.core\.gate\.gates\.(\d)\.score\.",
        lambda found: f"{STREAMS[int(found[1])]}_gating_fc_layer.",
    ),
    (r"\.query\.", ".dense_coattn.query_linear."),
    (r"\.(key|value)s\.(\d)\.", lambda f: f".dense_coattn.{f[1]}{int(f[2]) + 1}_linear."),
    (r"\.updates\.(\d)\.", r".linears.\1.0."),
    (r"^head\.heads\.(\d)\.", lambda found: f"{TARGETS[int(found[1])]}."),
]


def released_names(model: nn.Module) -> dict[str, str]:
    """Return what the parameters of a model are called in the released code.

    Parameters
    ----------
    model : FusionModel
        Around a `SkipFusion` of two streams with attention between features.

    Returns
    -------
    dict of str to str
        Our names to theirs; without the parameters that the released code does not have.

    Raises
    ------
    ValueError
        If the model is not of the form of the released one.

    Examples
    --------
    >>> from functools import partial
    >>> from avfusion.networks import AttentionStack, FusionModel, InputNorm, SeparateHeads
    >>> from avfusion.released import FeatureJointAttention, SkipFusion
    >>> core = partial(AttentionStack, step=partial(FeatureJointAttention, n_steps=16))
    >>> network = SkipFusion({"video": 5, "audio": 3}, core, hidden_size=8)
    >>> norms = {"video": InputNorm(5, "unit"), "audio": InputNorm(3, "unit")}
    >>> model = FusionModel(norms, network, SeparateHeads(8, n_targets=2, hidden_size=2))
    >>> released_names(model)["network.core.steps.0.keys.1.weight"]
    'coattn.dcn_layers.0.dense_coattn.key2_linear.weight'
    """
    network, heads = getattr(model, "network", None), getattr(model, "head", None)
    counts = (
        sum(isinstance(x, SkipEncoder) for x in getattr(network, "encoders", ())),
        len(getattr(heads, "heads", ())),
    )
    steps = getattr(getattr(network, "core", None), "steps", ())
    if counts != (len(STREAMS), len(TARGETS)) or any(not hasattr(step, "keys") for step in steps):
        raise ValueError(
            "The released network has two streams, two targets per frame, skip encoders and attention over "
            "features; this model is another one. ReleasedJointAttentionRegressor has one like it."
        )
    names = {}
    for ours in model.state_dict():
        if not OURS_ALONE.match(ours):
            theirs = ours
            for pattern, replacement in RENAMINGS:
                theirs = re.sub(pattern, replacement, theirs)
            names[ours] = theirs
    return names


def released_state_dict(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a model by the names of the released code, as `load_released` takes them.

    Parameters
    ----------
    model : FusionModel
        As in `released_names`.

    Returns
    -------
    dict of str to Tensor
        The weights themselves, not copies.

    Examples
    --------
    >>> from functools import partial
    >>> from avfusion.networks import AttentionStack, FusionModel, InputNorm, SeparateHeads
    >>> from avfusion.released import FeatureJointAttention, SkipFusion
    >>> core = partial(AttentionStack, step=partial(FeatureJointAttention, n_steps=16))
    >>> network = SkipFusion({"video": 5, "audio": 3}, core, hidden_size=8)
    >>> norms = {"video": InputNorm(5, "unit"), "audio": InputNorm(3, "unit")}
    >>> model = FusionModel(norms, network, SeparateHeads(8, n_targets=2, hidden_size=2))
    >>> released_state_dict(model)["Joint.init_hidden"].shape
    torch.Size([8, 4])
    """
    state = model.state_dict()
    return {theirs: state[ours] for ours, theirs in released_names(model).items()}


def load_released(model: nn.Module, state_dict: dict[str, Tensor]) -> None:
    """Put weights of the released code into a model.

    Parameters
    ----------
    model : FusionModel
        As in `released_names`. Its first stream takes the place of the video, its first target that of
        valence.
    state_dict : dict of str to Tensor or array
        By the names of the released code, with or without the prefix ``module.`` that training on several
        GPUs gives them. Weights of the attention within video frames (``video_attn.*``) are passed over.

    Raises
    ------
    TypeError
        If it is no dict of names to numbers.
    ValueError
        If names are missing or unexpected, or shapes differ (the first of each are named), or the weights
        lie in a dict within the dict. The model is then unchanged.

    Examples
    --------
    >>> from functools import partial
    >>> from avfusion.networks import AttentionStack, FusionModel, InputNorm, SeparateHeads
    >>> from avfusion.released import FeatureJointAttention, SkipFusion
    >>> core = partial(AttentionStack, step=partial(FeatureJointAttention, n_steps=16))
    >>> network = SkipFusion({"video": 5, "audio": 3}, core, hidden_size=8)
    >>> norms = {"video": InputNorm(5, "unit"), "audio": InputNorm(3, "unit")}
    >>> model = FusionModel(norms, network, SeparateHeads(8, n_targets=2, hidden_size=2))
    >>> load_released(model, released_state_dict(model))
    """
    names = released_names(model)
    state = read_released(state_dict)
    own = model.state_dict()
    expected = {theirs: own[ours] for ours, theirs in names.items()}
    shapes = [
        f"{name} {tuple(state[name].shape)} for {tuple(weight.shape)}"
        for name, weight in expected.items()
        if name in state and state[name].shape != weight.shape
    ]
    problems = {
        "Missing": [name for name in expected if name not in state],
        "Unexpected": [name for name in state if name not in expected],
        "Of another shape": shapes,
    }
    if any(problems.values()):
        named = " ".join(f"{kind}: {quoted(found, limit=3)}." for kind, found in problems.items() if found)
        raise ValueError(
            f"The weights do not fit the network. {named} Set n_recursions, window, hidden_size and the "
            "widths of the streams to those of the weights."
        )
    model.load_state_dict({**own, **{ours: state[theirs] for ours, theirs in names.items()}})


def read_released(state_dict: Mapping) -> dict[str, Tensor]:
    """Check that something is a dict of weights, and return those that a network of ours may have.

    Parameters
    ----------
    state_dict : dict of str to Tensor or array
        As `load_released` takes it.

    Returns
    -------
    dict of str to Tensor
        Without the prefix ``module.``.

    Raises
    ------
    TypeError
        If it is no dict of names to numbers.
    ValueError
        If the weights lie in a dict within the dict.

    Examples
    --------
    >>> read_released({"module.Joint.linear.bias": [0.0, 1.0], "video_attn.attn.affine_h.weight": [2.0]})
    {'Joint.linear.bias': tensor([0., 1.])}
    """
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"state_dict is a {type(state_dict).__name__}, but a dict of names to tensors is needed. "
            "torch.load(path, map_location='cpu') reads one from a file, network.state_dict() gives a "
            "network's."
        )
    nested = [name for name, weight in state_dict.items() if isinstance(weight, Mapping)]
    if nested:
        raise ValueError(
            f"state_dict holds other dicts, under {quoted(nested)}, instead of weights. Give "
            f"the one with the weights, such as checkpoint[{nested[0]!r}]."
        )
    state = {}
    for name, weight in state_dict.items():
        try:
            ours = name.removeprefix("module.")
            if not THEIRS_ALONE.match(ours):
                state[ours] = torch.as_tensor(weight)
        except (AttributeError, TypeError, ValueError, RuntimeError) as error:
            raise TypeError(
                f"state_dict has a {type(weight).__name__} under {name!r}; it must hold tensors or arrays of "
                "numbers, by their names in the released code."
            ) from error
    return state
