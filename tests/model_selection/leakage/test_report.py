"""The text of the report."""

from avfusion.model_selection import LeakageReport


def test_findings_come_first_then_what_was_looked_at():
    report = LeakageReport([("groups", "Split by groups.")], looked_at=["groups"], not_looked_at=["copies"])
    assert repr(report) == "groups: Split by groups.\nLooked at: groups.\nNot looked at: copies."
    assert repr(LeakageReport([], looked_at=["groups"])) == "No leak found: groups."
    assert repr(LeakageReport([])) == "Nothing was looked at."
