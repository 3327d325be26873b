"""What a check found is kept within bounds, and each kind of it is told."""

from projections.compliance_audit.merkle.findings import MOST, Finding, Report


def test_many_findings_of_a_kind_crowd_out_no_other() -> None:
    report = Report()
    for position in range(1, MOST + 4):
        report.add(position, position, "the checkpoint does not hold")
    report.add(9_999, 9_999, "the event was altered or replaced")
    assert len(report.findings) == MOST + 1
    assert report.findings[-1] == Finding(9_999, 9_999, "the event was altered or replaced")
    assert report.left_out() == {"the checkpoint does not hold": 3}
