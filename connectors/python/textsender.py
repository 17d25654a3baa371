"""Sends a code by textsender, and says how the user can go on."""

import json
import subprocess

# With nothing on standard output: it was not found, may not be run, or its command line is wrong.
NEVER_RAN = (1, 2, 126, 127)

# The user's mistake, not the program's.
WRONG_NUMBER = ("invalid_number", "number_ambiguous", "not_mobile")


def send(request, command=("textsender", "send"), patience=60):
    """One request in, one response out. `patience`: how many seconds it is waited for; more than [send] timeout."""
    # Nothing was sent, and an operator must act.
    never_ran = {"id": request["id"], "outcome": "misconfigured"}
    # It may have been sent.
    unknown = {"id": request["id"], "outcome": "unknown"}
    try:
        done = subprocess.run(
            command, input=json.dumps(request).encode(), capture_output=True, timeout=patience
        )
    except subprocess.TimeoutExpired:
        return unknown
    except OSError:
        return never_ran
    if done.returncode in NEVER_RAN and not done.stdout:
        return never_ran
    try:
        response = json.loads(done.stdout)
    except ValueError:
        return unknown
    # A process that died may leave half of an answer.
    return response if isinstance(response, dict) and "outcome" in response else unknown


def text_code(user, code, reset_id, command=("textsender", "send")):
    """What to do next: "enter code", "correct number" or "other way"."""
    request = {
        "id": reset_id,
        "purpose": "verification_code",
        "event": "reset",
        "user": user,
        "code": code,
        "expires_in": 600,
    }
    # The same id never sends twice, so a repeat is always safe.
    for _ in range(3):
        response = send(request, command)
        if response["outcome"] not in ("unknown", "in_progress", "crashed"):
            break
    if response["outcome"] in ("accepted", "unknown"):
        return "enter code"
    if response.get("error", {}).get("code") in WRONG_NUMBER:
        return "correct number"
    return "other way"
