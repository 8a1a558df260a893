"""Building blocks of fusion networks, heads and losses as plain torch modules."""

from avfusion.networks._attention_stack import AttentionStack
from avfusion.networks._concatenation import Concatenation
from avfusion.networks._encoded_fusion import EncodedFusion, StreamFusion
from avfusion.networks._encoders import StreamEncoder
from avfusion.networks._fusion_model import FusionModel
from avfusion.networks._gates import SlotGate
from avfusion.networks._heads import ClipHead, FrameHead, MaskedBatchNorm, SeparateHeads
from avfusion.networks._joint_attention import JointAttention, JointCrossAttention
from avfusion.networks._layers import AbsenceEmbedding, BidirectionalLSTM, InputNorm
from avfusion.networks._losses import LOSSES, ccc_loss, ccc_mse_loss, huber_loss, mae_loss, mse_loss
from avfusion.networks._masking import masked_mean, masked_mean_std
from avfusion.networks._transformer import TransformerLayer

__all__ = [
    "LOSSES",
    "AbsenceEmbedding",
    "AttentionStack",
    "BidirectionalLSTM",
    "ClipHead",
    "Concatenation",
    "EncodedFusion",
    "FrameHead",
    "FusionModel",
    "InputNorm",
    "JointAttention",
    "JointCrossAttention",
    "MaskedBatchNorm",
    "SeparateHeads",
    "SlotGate",
    "StreamEncoder",
    "StreamFusion",
    "TransformerLayer",
    "ccc_loss",
    "ccc_mse_loss",
    "huber_loss",
    "mae_loss",
    "masked_mean",
    "masked_mean_std",
    "mse_loss",
]
