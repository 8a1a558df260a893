"""One progress bar for all: text in terminals, a widget in notebooks that have widgets."""

import warnings

with warnings.catch_warnings():  # a notebook without widgets has bars of text, which needs no warning
    warnings.filterwarnings("ignore", message="IProgress not found")
    from tqdm.auto import tqdm as progress_bar

__all__ = ["progress_bar"]
