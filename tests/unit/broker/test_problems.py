from __future__ import annotations

from typing import TYPE_CHECKING

from hub.broker.problems import ALARM_NS, Problems

if TYPE_CHECKING:
    import pytest


def test_a_problem_lasts_until_it_is_over() -> None:
    problems = Problems()
    problems.state("lists", "There is no new revocation list.")
    assert problems.sentences(0) == ["There is no new revocation list."]
    problems.state("lists", "")
    assert problems.sentences(0) == []


def test_an_alarm_stands_for_a_while() -> None:
    problems = Problems()
    problems.alarm("The list was emptied.", 0)
    assert problems.sentences(ALARM_NS - 1) == ["The list was emptied."]
    assert problems.sentences(ALARM_NS) == []


def test_a_problem_is_logged_once_when_it_comes_and_once_when_it_goes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    problems = Problems()
    for sentence in ("away", "still away", ""):
        problems.state("broker", sentence)
    problems.state("broker", "")
    assert [record.message for record in caplog.records] == ["away", "no longer: still away"]


def test_an_alarm_that_goes_on_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    problems = Problems()
    problems.alarm("The list was emptied.", 0)
    problems.alarm("The list was emptied.", 1)
    assert [record.message for record in caplog.records] == ["The list was emptied."]
