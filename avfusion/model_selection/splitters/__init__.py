"""Splitters for questions that those of scikit-learn do not ask: new person and new video, later time."""
