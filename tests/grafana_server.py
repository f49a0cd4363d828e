"""A stand-in for Grafana: it keeps what it is given, by uid, and refuses as Grafana does.

Every request is checked against the API's description, where that is there; `faults` collects what was wrong.
"""

from __future__ import annotations

import copy
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.grafana.options import GrafanaOptions
from tests.grafana_contract import DOCUMENT, faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

TOKEN = "glsa_for_tests"  # noqa: S105 - opens nothing but this stand-in
PROVISIONING = "/api/v1/provisioning"
Json = dict[str, Any]
Answer = tuple[int, Any]


def _missing(what: str) -> Answer:
    return 404, {"message": f"{what} not found"}


@dataclass
class Grafana:
    """What the stand-in holds, and how it shall behave.

    Attributes:
        answers: asked first for each request, with method and path; what it returns is the answer. For failures.
        written: requests that changed something, as "METHOD path".
        lines: what was pushed to Live.
    """

    url: str = ""
    role: str = "Admin"
    version: str = "13.2.0"
    logins: set[str] = field(default_factory=lambda: {f"Bearer {TOKEN}", "Basic YWRtaW46YWRtaW4="})
    answers: Callable[[str, str], Answer | None] = lambda _method, _path: None
    headers: dict[str, str] = field(default_factory=dict)
    folders: dict[str, Json] = field(default_factory=dict)
    sources: dict[str, Json] = field(default_factory=dict)
    boards: dict[str, list[Json]] = field(default_factory=dict)
    rules: dict[str, Json] = field(default_factory=dict)
    points: dict[str, Json] = field(default_factory=dict)
    templates: dict[str, Json] = field(default_factory=dict)
    timings: dict[str, Json] = field(default_factory=dict)
    tree: Json = field(default_factory=lambda: {"receiver": "grafana-default-email", "routes": []})
    notes: dict[int, Json] = field(default_factory=dict)
    accounts: list[Json] = field(default_factory=list)
    tokens: list[Json] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _last: int = 0

    def options(self, **changes: object) -> GrafanaOptions:
        """Return the options of a hub that uses it."""
        return GrafanaOptions.model_validate({"url": self.url, "token": TOKEN, **changes})

    def edit(self, uid: str, by: str = "budi", **changes: object) -> None:
        """Save a dashboard as a person does in the browser."""
        newest = self.boards[uid][-1]
        board = {**copy.deepcopy(newest["dashboard"]), **changes, "version": newest["version"] + 1}
        self.boards[uid].append({**newest, "dashboard": board, "version": board["version"], "message": "", "by": by})

    async def serve(self, request: web.Request) -> web.Response:
        """Answer a request."""
        method, path = request.method, request.path
        text = await request.text()
        if (scripted := self.answers(method, path)) is not None:
            return self._response(*scripted)
        if path == "/api/health":
            return self._response(200, {"database": "ok", "version": self.version, "commit": "0"})
        if request.headers.get("Authorization") not in self.logins:
            return self._response(401, {"message": "Invalid API key"})
        if path.startswith("/api/live/push/"):
            self.lines += text.splitlines()
            return web.Response()
        content = json.loads(text) if text else None
        if DOCUMENT.is_file():
            self.faults += faults(method, path, set(request.query), content)
        if path.startswith(PROVISIONING) and method != "GET" and request.headers.get("X-Disable-Provenance") != "true":
            self.faults.append(f"{method} {path} would lock what it makes against editing")
        status, answer = self._answer(method, path, content, request)
        if method != "GET" and status < 300:
            self.written.append(f"{method} {path}")
        return self._response(status, answer)

    def _response(self, status: int, answer: Any) -> web.Response:  # noqa: ANN401 - JSON of any shape
        if answer is None:
            return web.Response(status=status)
        if isinstance(answer, str):
            return web.Response(status=status, text=answer, headers=self.headers, content_type="text/html")
        return web.json_response(answer, status=status, headers=self.headers)

    def _answer(self, method: str, path: str, content: Any, request: web.Request) -> Answer:  # noqa: ANN401 - JSON of any shape
        rooms: dict[str, Callable[..., Answer]] = {
            "/api/folders": self._folder,
            "/api/datasources": self._source,
            "/api/dashboards/db": self._save,
            "/api/dashboards/uid": self._board,
            f"{PROVISIONING}/alert-rules": self._rule,
            f"{PROVISIONING}/contact-points": self._point,
            f"{PROVISIONING}/templates": self._template,
            f"{PROVISIONING}/mute-timings": self._timing,
            f"{PROVISIONING}/policies": self._policies,
            "/api/annotations": self._note,
            "/api/serviceaccounts": self._account,
        }
        for prefix, answer in rooms.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                parts = path.removeprefix(prefix).strip("/").split("/")
                return answer(method, [part for part in parts if part], content, request)
        return _missing(path)

    def _folder(self, method: str, parts: list[str], content: Json, _: web.Request) -> Answer:
        match method, parts:
            case "POST", []:
                if content["uid"] in self.folders:
                    return 409, {"message": "a folder with the same uid already exists"}
                self.folders[content["uid"]] = content
                return 200, content
            case "GET", [uid] if uid in self.folders:
                return 200, self.folders[uid]
            case "GET", [uid, "counts"]:
                boards = sum(versions[-1]["folder"] == uid for versions in self.boards.values())
                return 200, {
                    "dashboard": boards,
                    "alertrule": sum(rule["folderUID"] == uid for rule in self.rules.values()),
                }
            case "DELETE", [uid] if uid in self.folders:
                return 200, self.folders.pop(uid)
        return _missing("folder")

    def _source(self, method: str, parts: list[str], content: Json, _: web.Request) -> Answer:  # noqa: PLR0911 - a way out a request
        if self.role != "Admin" and "health" not in parts:
            return 403, {"message": "You'll need additional permissions to perform this action: datasources:read"}
        match method, parts:
            case "POST", []:
                if any(one["name"] == content["name"] for one in self.sources.values()):
                    return 409, {"message": "data source with the same name already exists"}
                self.sources[content["uid"]] = content
                return 200, {"message": "Datasource added"}
            case "GET", ["uid", uid] if uid in self.sources:
                shown = {key: value for key, value in self.sources[uid].items() if key != "secureJsonData"}
                return 200, {"readOnly": False, "basicAuth": False, **shown}
            case "PUT", ["uid", uid] if uid in self.sources:
                self.sources[uid] = content
                return 200, {"message": "Datasource updated"}
            case "DELETE", ["uid", uid] if uid in self.sources:
                return 200, self.sources.pop(uid)
            case "GET", ["uid", uid, "health"] if uid in self.sources:
                return 200, {"status": "OK", "message": "datasource is working. 12 measurements found"}
        return _missing("data source")

    def _save(self, _method: str, _parts: list[str], content: Json, _: web.Request) -> Answer:
        board, uid = content["dashboard"], content["dashboard"]["uid"]
        if content["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        versions = self.boards.setdefault(uid, [])
        there = versions[-1]["version"] if versions else 0
        if versions and board.get("version") != there and not content["overwrite"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        saved = {**board, "id": 7, "version": there + 1, "schemaVersion": 99}  # Grafana migrates what it is given
        versions.append(
            {
                "dashboard": saved,
                "version": there + 1,
                "message": content["message"],
                "by": "sa-cityhub",
                "folder": content["folderUid"],
            }
        )
        return 200, {"uid": uid, "version": there + 1, "status": "success"}

    def _board(self, method: str, parts: list[str], _content: Json, _: web.Request) -> Answer:
        uid, *rest = parts
        if uid not in self.boards:
            return _missing("Dashboard")
        if method == "DELETE":
            del self.boards[uid]
            return 200, {"message": f"Dashboard {uid} deleted"}
        newest = self.boards[uid][-1]
        if rest == ["versions"]:
            record = {
                "version": newest["version"],
                "message": newest["message"],
                "createdBy": newest["by"],
                "created": "2026-11-26T03:00:00Z",
            }
            return 200, {"versions": [record], "continueToken": ""}
        return 200, {"dashboard": newest["dashboard"], "meta": {"folderUid": newest["folder"], "provisioned": False}}

    def _rule(self, method: str, parts: list[str], content: Json, _: web.Request) -> Answer:
        return self._kept(self.rules, method, parts, content, key="uid")

    def _point(self, method: str, parts: list[str], content: Json, request: web.Request) -> Answer:
        if method == "GET":
            return 200, [one for one in self.points.values() if one["name"] == request.query["name"]]
        return self._kept(self.points, method, parts, content, key="uid")

    def _template(self, method: str, parts: list[str], content: Json, _: web.Request) -> Answer:
        if method == "PUT":
            self.templates[parts[0]] = {"name": parts[0], "template": content["template"].strip()}
            return 202, self.templates[parts[0]]
        return self._kept(self.templates, method, parts, content, key="name")

    def _timing(self, method: str, parts: list[str], content: Json, _: web.Request) -> Answer:
        return self._kept(self.timings, method, parts, content, key="name")

    def _kept(  # noqa: PLR0911 - a way out a request
        self, store: dict[str, Json], method: str, parts: list[str], content: Json, *, key: str = "name"
    ) -> Answer:
        match method, parts:
            case "POST", []:
                if content[key] in store:
                    return 409, {"message": f"{content[key]} already exists"}
                store[content[key]] = content
                return 202, content
            case "GET", [name] if name in store:
                return 200, {**store[name], "provenance": "", "updated": "2026-11-26T03:00:00Z"}
            case "PUT", [name] if name in store:
                store[name] = content
                return 202, content
            case "DELETE", [name] if name in store:
                if any(name == route.get("receiver") for route in self.tree["routes"]):
                    return 409, {"message": "used by a notification policy"}
                del store[name]
                return 204, None
        return _missing(parts[0] if parts else "it")

    def _policies(self, method: str, _parts: list[str], content: Json, _: web.Request) -> Answer:
        if method == "GET":
            return 200, {**self.tree, "provenance": ""}
        known = {point["name"] for point in self.points.values()} | {"grafana-default-email", "on-call"}
        routes = [content, *content["routes"]]
        for one in [*routes, *(inner for route in routes[1:] for inner in route.get("routes") or [])]:
            if one.get("receiver", "on-call") not in known:
                return 400, {"message": f"receiver {one['receiver']} does not exist"}
        self.tree = content
        return 202, {"message": "policies updated"}

    def _note(self, method: str, parts: list[str], content: Json, request: web.Request) -> Answer:
        match method, parts:
            case "GET", []:
                wanted = set(request.query.getall("tags"))
                return 200, [{"id": key, **note} for key, note in self.notes.items() if wanted <= set(note["tags"])]
            case "POST", []:
                self._last += 1
                self.notes[self._last] = content
                return 200, {"id": self._last, "message": "Annotation added"}
            case "PATCH", [key] if int(key) in self.notes:
                self.notes[int(key)] |= content
                return 200, {"message": "Annotation patched"}
            case "DELETE", [key] if int(key) in self.notes:
                del self.notes[int(key)]
                return 200, {"message": "Annotation deleted"}
        return _missing("annotation")

    def _account(self, method: str, parts: list[str], content: Json, request: web.Request) -> Answer:
        match method, parts:
            case "POST", []:
                self.accounts.append({"id": len(self.accounts) + 1, **content})
                return 201, self.accounts[-1]
            case "GET", ["search"]:
                found = [one for one in self.accounts if request.query["query"] in one["name"]]
                return 200, {"serviceAccounts": found, "totalCount": len(found)}
            case "GET", [_, "tokens"]:
                return 200, self.tokens
            case "POST", [_, "tokens"]:
                self.tokens.append({"id": len(self.tokens) + 1, "name": content["name"]})
                return 200, {"id": 1, "name": content["name"], "key": TOKEN}
        return _missing("service account")


def application(there: Grafana) -> web.Application:
    """Return the stand-in as an application, to be served anywhere."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", there.serve)
    return app


@asynccontextmanager
async def grafana() -> AsyncIterator[Grafana]:
    """Run the stand-in on loopback beside the block; afterwards no request may have been wrong."""
    there = Grafana()
    async with TestServer(application(there)) as server:
        there.url = str(server.make_url("/")).rstrip("/")
        yield there
    assert there.faults == []
