"""Everything of ours into a Grafana, and out of it again, whatever is in the way."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from hub.grafana.client import connected
from hub.grafana.errors import Away, Denied, Refused
from hub.grafana.push import diff, everything, health, push, remove, version
from hub.grafana.shapes import OBJECT
from hub.sinks.options import InfluxV1Options
from tests.grafana_contract import DOCUMENT, MISSING, faults
from tests.grafana_server import Grafana, grafana

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.grafana.client import Client
    from hub.grafana.items import Item
from hub.grafana.push import Result

DATABASE = InfluxV1Options.model_validate({"url": "http://127.0.0.1:8486", "username": "grafana", "password": "secret"})
CONTACTS = {"dishub": ["noc@dishub.go.id", "budi@dishub.go.id"], "city": ["cc@kota.go.id"]}
FULL: dict[str, Any] = {"contacts": CONTACTS, "maintenance": ["sunday 01:00-03:00"]}
FOREIGN: dict[str, Any] = {
    "receiver": "grafana-default-email",
    "group_by": ["grafana_folder"],
    "routes": [{"receiver": "on-call", "object_matchers": [["team", "=", "db"]], "routes": [], "continue": True}],
}


@asynccontextmanager
async def _ready(**options: object) -> AsyncIterator[tuple[Grafana, Client, list[Item]]]:
    async with grafana() as there:
        chosen = there.options(**{**FULL, **options})
        async with connected(chosen) as client:
            yield there, client, everything(chosen, DATABASE, "Asia/Jakarta")


def _done(results: list[Result]) -> dict[str, int]:
    words = [result.done for result in results]
    return {word: words.count(word) for word in sorted(set(words))}


def test_requests_are_checked_against_the_api() -> None:
    if not DOCUMENT.is_file():
        pytest.skip(MISSING)
    assert faults("POST", "/api/folders", set(), {"uid": "cityhub", "title": "Cityhub"}) == []
    assert faults("POST", "/api/folders", set(), {"uid": 1}) != []
    assert faults("POST", "/api/nonsense", set(), {}) == ["the API has no POST /api/nonsense"]


async def test_the_first_push_makes_everything() -> None:
    async with _ready() as (there, client, items):
        results = await push(client, items)
        assert _done(results) == {"created": len(items)}
        assert [result for result in results if result.failed] == []
        assert sorted(there.boards) == [f"cityhub-{name}" for name in
                                        ("bandwidth", "cctv", "device", "fleet", "hub", "sensors", "wall")]  # fmt: skip
        assert sorted(there.rules) == ["cityhub-hub-silent", "cityhub-incident-critical", "cityhub-incident-warning"]
        assert there.sources["cityhub-history"]["jsonData"]["dbName"] == "cityhub_history"


async def test_a_second_push_changes_nothing() -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        there.written.clear()
        assert _done(await push(client, items)) == {"": len(items)}
        assert there.written == []
        assert {result.state for result in await diff(client, items)} == {"same"}


async def test_a_difference_is_told_and_then_pushed() -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        there.points["cityhub-dishub"]["settings"]["addresses"] = "old@dishub.go.id"
        (changed,) = [result for result in await diff(client, items) if result.state != "same"]
        assert changed.why == ('settings.addresses: "old@dishub.go.id" -> "noc@dishub.go.id;budi@dishub.go.id"',)
        assert _done(await push(client, items)) == {"": len(items) - 1, "updated": 1}
        assert there.points["cityhub-dishub"]["settings"]["addresses"] == "noc@dishub.go.id;budi@dishub.go.id"


async def test_a_newer_hub_updates_its_own_dashboard() -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        there.boards["cityhub-wall"][-1]["message"] = "cityhub 0123456789abcdef"
        (changed,) = [result for result in await push(client, items) if result.done]
        assert (changed.name, changed.state, changed.done) == ("cityhub-wall", "older", "updated")


@pytest.mark.parametrize(("overwrite", "done", "title"), [(False, "kept", "Mine"), (True, "updated", None)])
async def test_a_dashboard_edited_by_hand_is_kept_or_overwritten_as_told(
    overwrite: bool,  # noqa: FBT001 - pytest passes it by name
    done: str,
    title: str | None,
) -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        there.edit("cityhub-wall", title="Mine")
        (edited,) = [result for result in await push(client, items, overwrite=overwrite) if result.state != "same"]
        assert (edited.state, edited.done) == ("edited by hand", done)
        assert edited.why[0] == "by budi, 2026-11-26T03:00:00Z"
        assert any(line.startswith('title: "Mine" -> ') for line in edited.why)
        assert there.boards["cityhub-wall"][-1]["dashboard"]["title"] == (title or "Dinding kota · City wall")


async def test_an_alert_rule_edited_by_hand_is_kept() -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        there.rules["cityhub-hub-silent"]["for"] = "10m"
        (edited,) = [result for result in await push(client, items) if result.state != "same"]
        assert (edited.state, edited.done, edited.why) == ("edited by hand", "kept", ('for: "10m" -> "1m"',))


async def test_a_foreign_policy_tree_is_left_as_it_was_but_for_our_branch() -> None:
    async with _ready() as (there, client, items):
        there.tree = FOREIGN
        await push(client, items)
        ours, *others = there.tree["routes"]
        assert others == FOREIGN["routes"]
        assert {key: value for key, value in there.tree.items() if key != "routes"} == {
            key: value for key, value in FOREIGN.items() if key != "routes"
        }
        assert ours["object_matchers"] == [["cityhub", "=", "true"]]
        assert [route["object_matchers"] for route in ours["routes"]] == [[["agency", "=", "dishub"]]]
        await remove(client, items)
        assert there.tree == FOREIGN


async def test_without_contacts_nobody_else_is_notified_otherwise() -> None:
    async with _ready(contacts={}, maintenance=[]) as (there, client, items):
        there.tree = FOREIGN
        await push(client, items)
        assert there.tree is FOREIGN
        assert there.points == {}


async def test_removing_leaves_what_is_not_ours() -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        there.sources["other"] = {"uid": "other", "name": "Other"}
        results = await remove(client, items)
        assert _done(results) == {"removed": len(items)}
        assert (there.boards, there.rules, there.points, there.folders, list(there.sources)) == (
            {},
            {},
            {},
            {},
            ["other"],
        )


async def test_a_folder_that_somebody_uses_is_not_removed() -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        there.rules["theirs"] = {"uid": "theirs", "folderUID": "cityhub"}
        (failed,) = [result for result in await remove(client, items) if result.failed]
        assert failed.why == (
            "the folder cityhub still holds 1 alertrule; move or delete them in Grafana, then repeat",
        )


async def test_a_changed_password_is_pushed_though_grafana_shows_none() -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        new = DATABASE.model_copy(update={"password": type(DATABASE.password)("changed")})
        await push(client, everything(there.options(**FULL), new, "Asia/Jakarta"))
        assert there.sources["cityhub"]["secureJsonData"] == {"password": "changed"}


async def test_the_operators_default_data_source_stays_the_default() -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        there.sources["cityhub"] |= {"isDefault": True, "url": "http://elsewhere"}
        await push(client, items)
        assert (there.sources["cityhub"]["isDefault"], there.sources["cityhub"]["url"]) == (
            True,
            "http://127.0.0.1:8486",
        )


async def test_an_editor_pushes_all_but_the_data_sources() -> None:
    async with _ready() as (there, client, items):
        there.role = "Editor"
        results = await push(client, items)
        failed = [result for result in results if result.failed]
        assert [result.kind for result in failed] == ["data source", "data source"]
        assert "needs the role Editor, and Admin for data sources" in failed[0].why[0]
        assert len(there.boards) == 7


async def test_a_wrong_token_is_named_with_its_remedy() -> None:
    async with grafana() as there, connected(there.options(), "Bearer wrong") as client:
        with pytest.raises(
            Denied, match=r"401: Invalid API key; the token is wrong or expired, `cityhub grafana token`"
        ):
            await client.find(OBJECT, "/api/folders/cityhub")


async def test_a_dashboard_saved_at_the_same_moment_is_a_conflict_that_is_explained() -> None:
    async with _ready() as (there, client, items):
        there.answers = lambda _, path: (
            (412, {"message": "version mismatch", "status": "version-mismatch"}) if path.endswith("/db") else None
        )
        failed = [result for result in await push(client, items) if result.failed]
        assert len(failed) == 7
        assert "somebody saved it at the same moment: look at it, then push again" in failed[0].why[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((429, {"message": "Too many requests"}), "Grafana limits requests"),
        ((500, {"message": "database is locked"}), "500: database is locked; Grafana's own log says more"),
        ((502, "<html>Bad Gateway</html>"), "what stands before it answered 502"),
    ],
)
async def test_a_busy_or_broken_grafana_is_tried_again(answer: tuple[int, Any], words: str) -> None:
    async with _ready() as (there, client, items):
        there.headers = {"Retry-After": "7"}
        there.answers = lambda _method, _path: answer
        with pytest.raises(Away, match=words) as caught:
            await push(client, items)
        assert caught.value.after == 7


async def test_a_push_that_was_stopped_half_way_is_taken_up_where_it_stopped() -> None:
    async with _ready() as (there, client, items):
        there.answers = lambda _, path: (503, {"message": "shutting down"}) if "cityhub-hub" in path else None
        with pytest.raises(Away):
            await push(client, items)
        before = len(there.written)
        there.answers = lambda _method, _path: None
        done = _done(await push(client, items))
        assert done == {"": before, "created": len(items) - before}


async def test_nobody_there_is_told_apart_from_a_refusal() -> None:
    async with grafana() as there:
        options = there.options()
    async with connected(options) as client:
        with pytest.raises(Away, match=r"no connection to Grafana at http://127\.0\.0\.1:\d+: .*; is it running"):
            await version(client)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, "<html>Welcome to nginx</html>"), "is not a Grafana"),
        ((404, "<html>Not Found</html>"), "is not a Grafana"),
        ((200, {"status": "green"}), "is not a Grafana; check grafana.url"),
        ((200, [1, 2]), "is not a Grafana; check grafana.url"),
        ((302, ""), "redirects to elsewhere"),
    ],
)
async def test_something_else_is_not_taken_for_a_grafana(answer: tuple[int, Any], words: str) -> None:
    async with grafana() as there, connected(there.options()) as client:
        there.answers = lambda _method, _path: answer
        with pytest.raises(Refused, match=words):
            await version(client)


@pytest.mark.slow
@pytest.mark.parametrize("answer", [None, [], "text", 7, {"dashboard": 1}, {"versions": [1]}, {"meta": []}])
async def test_answers_of_an_unknown_shape_fail_their_thing_and_nothing_else(answer: object) -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        there.answers = lambda method, _: (200, [answer] if answer is None else answer) if method == "GET" else None
        results = await diff(client, items)
        assert len(results) == len(items)
        assert any(result.failed for result in results)


async def test_a_long_answer_is_read_to_its_end() -> None:
    async with grafana() as there, connected(there.options()) as client:
        there.answers = lambda _method, _path: (200, {"text": "x" * 3_000_000})
        answer = await client.get(OBJECT, "/api/folders/cityhub")
        assert len(answer["text"]) == 3_000_000


async def test_an_old_grafana_is_refused() -> None:
    async with grafana() as there, connected(there.options()) as client:
        there.version = "10.4.1"
        with pytest.raises(Refused, match=r"this is Grafana 10\.4\.1; 11 or newer is needed"):
            await version(client)


async def test_the_check_says_when_grafana_cannot_read_the_database() -> None:
    async with _ready() as (there, client, items):
        await push(client, items)
        assert await health(client, items) == []
        there.answers = lambda _, path: (400, {"message": "connection refused"}) if path.endswith("/health") else None
        first, _ = await health(client, items)
        assert first.startswith("Grafana cannot read cityhub at http://127.0.0.1:8486 (")
