"""The connection itself: subscriptions, the app's state, where the property lives (cloudbeds.md 1, 11.1, 12)."""

from __future__ import annotations

from connectors.cloudbeds.simulator.asking import Call
from connectors.cloudbeds.simulator.refusals import failed
from connectors.kit.simulator.contract import Row

STATES = ("enabled", "disabled", "installing", "pending")


def metadata(call: Call) -> Row:
    """Answer oauth/metadata: where the property's island is; `success` is a text here."""
    return {"success": "true", "data": {"api": {"url": call.backend.options.island or call.address}}}


def userinfo(call: Call) -> Row:
    """Answer userinfo: the person who consented; no envelope."""
    told = {"user_id": "1001", "first_name": "Front", "last_name": "Desk", "email": "desk@hotels.example"}
    return {**told, "acl": sorted(call.credential.scopes), "roles": None}


def subscribe(call: Call) -> Row:
    """Answer postWebhook; neither object nor action is checked, nonsense is accepted and never fires."""
    home = call.place()
    what = (call.text("object") or "", call.text("action") or "")
    name, value = call.text("authHeaderName"), call.text("authHeaderValue")
    headers = {name: value} if call.backend.options.fixed_header and name and value else {}
    made = call.backend.announcer.subscribe(home.id, what, call.text("endpointUrl") or "", headers)
    return {"success": True, "data": {"subscriptionID": made}}


def subscriptions(call: Call) -> Row:
    """Answer getWebhooks."""
    found = call.backend.announcer.of(home.id for home in call.places())
    return {"success": True, "data": [one.shown(call.backend.access.client_id) for one in found]}


def unsubscribe(call: Call) -> Row:
    """Answer deleteWebhook."""
    if not call.backend.announcer.drop(call.text("subscriptionID") or "", (home.id for home in call.places())):
        raise failed("Invalid subscriptionID")
    return {"success": True}


def app_state(call: Call) -> Row:
    """Answer getAppState."""
    return {"success": True, "data": {"app_state": call.backend.app_states[call.place().id]}}


def put_app_state(call: Call) -> Row:
    """Answer postAppState; `disabled` ends all access."""
    word = call.word("app_state", STATES)
    call.backend.connect(call.place().id, word or "enabled")
    return {"success": True}


def app_settings(_call: Call) -> Row:
    """Answer getAppSettings."""
    return {"success": True, "data": {"fullRevenueSync": False}}


def app_error(_call: Call) -> Row:
    """Answer postAppError."""
    return {"success": True, "data": {"errorID": "1"}}
