"""Fusion networks, heads and losses as plain torch modules."""

from avfusion.networks._attention_stack import AttentionStack
from avfusion.networks._encoded_fusion import EncodedFusion
from avfusion.networks._encoders import StreamEncoder
from avfusion.networks._fusion_model import FusionModel
from avfusion.networks._heads import ClipHead, FrameHead, MaskedBatchNorm, NormalizedHead, SeparateHeads
from avfusion.networks._layers import (
    AbsenceEmbedding,
    BidirectionalLSTM,
    InputNorm,
)
from avfusion.networks._losses import LOSSES, ccc_loss, ccc_mse_loss, huber_loss, mae_loss, mse_loss
from avfusion.networks._masking import masked_mean, masked_mean_std
from avfusion.networks._transformer import TransformerLayer
from avfusion.networks.bottleneck_transformer import BottleneckTransformer
from avfusion.networks.concatenation import Concatenation
from avfusion.networks.cross_attention import CrossAttention
from avfusion.networks.feature_attention import (
    FeatureJointAttention,
    FeatureJointCrossAttention,
    attended_features,
)
from avfusion.networks.gated_multimodal_unit import GatedMultimodalUnit
from avfusion.networks.gates import DynamicGate, HierarchicalGate, RecursionGate, SlotGate
from avfusion.networks.joint_cross_attention import JointCrossAttention
from avfusion.networks.leader_follower import LeaderFollower, LeaderFollowerAttention
from avfusion.networks.low_rank_fusion import LowRankFusion
from avfusion.networks.multimodal_transformer import MultimodalTransformer
from avfusion.networks.recursive_joint_attention import JointAttention, RecursiveJointAttention
from avfusion.networks.released_weights import load_released, released_names, released_state_dict
from avfusion.networks.skip_fusion import SkipFusion, SkipLSTM
from avfusion.networks.tensor_fusion import TensorFusion

__all__ = [
    "LOSSES",
    "AbsenceEmbedding",
    "AttentionStack",
    "BidirectionalLSTM",
    "BottleneckTransformer",
    "ClipHead",
    "Concatenation",
    "CrossAttention",
    "DynamicGate",
    "EncodedFusion",
    "FeatureJointAttention",
    "FeatureJointCrossAttention",
    "FrameHead",
    "FusionModel",
    "GatedMultimodalUnit",
    "HierarchicalGate",
    "InputNorm",
    "JointAttention",
    "JointCrossAttention",
    "LeaderFollower",
    "LeaderFollowerAttention",
    "LowRankFusion",
    "MaskedBatchNorm",
    "MultimodalTransformer",
    "NormalizedHead",
    "RecursionGate",
    "RecursiveJointAttention",
    "SeparateHeads",
    "SkipFusion",
    "SkipLSTM",
    "SlotGate",
    "StreamEncoder",
    "TensorFusion",
    "TransformerLayer",
    "attended_features",
    "ccc_loss",
    "ccc_mse_loss",
    "huber_loss",
    "load_released",
    "mae_loss",
    "masked_mean",
    "masked_mean_std",
    "mse_loss",
    "released_names",
    "released_state_dict",
]
