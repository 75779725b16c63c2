"""The ranges of ``--warning`` and ``--critical``, as the Monitoring Plugins' guidelines have them."""

from __future__ import annotations

import pytest

from perfkit.report.nagios.thresholds import parse
from perfkit.report.window import BadOption


@pytest.mark.parametrize(
    ("written", "quiet", "alarming"),
    [
        ("10", [0, 5, 10], [-0.1, 10.1]),
        ("10:", [10, 1e9], [9.9, -1]),
        ("~:10", [-1e9, 10], [10.1]),
        ("10:20", [10, 15, 20], [9, 21]),
        ("@10:20", [9, 21], [10, 15, 20]),
        ("0", [0], [1]),
        ("-5:5", [-5, 0, 5], [-6, 6]),
    ],
)
def test_ranges_are_those_of_the_guidelines(
    written: str, quiet: list[float], alarming: list[float]
) -> None:
    """The table of examples there, value by value."""
    each = parse(f"requests={written}", None).warning["requests"]
    assert [value for value in quiet if each.alarms(value)] == []
    assert [value for value in alarming if not each.alarms(value)] == []
    assert each.text == written


def test_units_may_be_written_and_are_not_performance_data() -> None:
    """Where the unit is the figure's own."""
    found = parse("errors=1%,p95=500ms", ["age=60s, n_plus_one=0", "apdex=0.9:"])
    assert {name: each.text for name, each in found.warning.items()} == {
        "errors": "1",
        "p95": "500",
    }
    assert list(found.critical) == ["age", "n_plus_one", "apdex"]
    assert parse(None, None).warning == {}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("p59=500", "--warning 'p59=500' is not one of requests, errors"),
        ("eror=1%", "did you mean errors?"),
        ("p95", "--warning 'p95' has no limit: give p95=RANGE"),
        ("p95=", "--warning p95='' is not a range such as 500"),
        ("p95=fast", "--warning p95='fast' is not a range"),
        ("p95=5%", "--warning p95='5%' is not a range"),
        ("p95=20:10", "the range ends before it begins"),
        ("p95=@", "is not a range"),
        ("p95=:", "is not a range"),
        ("p95=1,,p99=2", "--warning '' is not one of"),
    ],
)
def test_anything_else_is_refused(written: str, told: str) -> None:
    """A threshold that never alarms would be worse than none."""
    with pytest.raises(BadOption) as refused:
        parse(written, None)
    assert told in str(refused.value)
