"""Readers of real recordings, and synthetic recordings whose truth is known."""

from avfusion.datasets.data_home import get_data_home
from avfusion.datasets.pom import fetch_pom
from avfusion.datasets.studyforrest import fetch_studyforrest
from avfusion.datasets.synthetic import audiovisual_truth, make_audiovisual_regression

__all__ = [
    "audiovisual_truth",
    "fetch_pom",
    "fetch_studyforrest",
    "get_data_home",
    "make_audiovisual_regression",
]
