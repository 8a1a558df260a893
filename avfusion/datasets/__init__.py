"""Readers of recordings, fetchers of public data sets, and synthetic recordings."""

from avfusion.datasets._abaw_submission import write_abaw_submission
from avfusion.datasets._aff_wild2 import load_aff_wild2
from avfusion.datasets._data_home import get_data_home
from avfusion.datasets._folder import load_folder
from avfusion.datasets._import import import_folder
from avfusion.datasets._omg_empathy import fetch_omg_empathy
from avfusion.datasets._pom import fetch_pom
from avfusion.datasets._studyforrest import fetch_studyforrest
from avfusion.datasets._synthetic import audiovisual_truth, make_audiovisual_regression
from avfusion.formats._registry import readable_formats

__all__ = [
    "audiovisual_truth",
    "fetch_omg_empathy",
    "fetch_pom",
    "fetch_studyforrest",
    "get_data_home",
    "import_folder",
    "load_aff_wild2",
    "load_folder",
    "make_audiovisual_regression",
    "readable_formats",
    "write_abaw_submission",
]
