"""A tracking URI as it may be printed and stored: without passwords, tokens and the like."""

import base64
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"

_AUTHORITY = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]*:/+)?(?P<user>.*)@(?P<rest>.*)", re.DOTALL)
_HOST_AND_PORT = re.compile(r"[^/:]+:\d+(/|$)")
_USER = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]*://)[^\s/'\"<>](?:[^\s'\"<>]*)@")
_HARMLESS = ("cache", "charset", "connect_timeout", "driver", "mode", "port", "sslmode", "timeout", "uri")
_SHORTEST = 3  # characters of a secret that is looked for within words; a shorter one is in every other word


def shown_uri(uri: str) -> str:
    """The URI without its secrets: who signs in, and values of its query that nobody knows to be harmless.

    What stands before the last @ is taken for a sign-in, as a password may hold any character.
    """
    where, question, query = _parts(uri)
    if found := _signed_in(where):
        where = f"{found['scheme'] or ''}{HIDDEN}@{found['rest']}"
    return where + question + "&".join(map(_shown_pair, query.split("&")))


def has_secrets(uri: str) -> bool:
    """Whether there is anything in it that is not shown."""
    return shown_uri(uri) != uri


def public_address(uri: str) -> str:
    """A server's address for a browser: without sign-in, query and a slash at the end."""
    where, _, _ = _parts(uri)
    found = _signed_in(where)
    return f"{found['scheme'] or ''}{found['rest']}".rstrip("/") if found else where.rstrip("/")


def without_secrets(text: str, uri: str) -> str:
    """A text, such as the message of an error, without the URI's secrets in any spelling and without other sign-ins."""
    secrets = sorted(set(_secrets(uri)) - {""}, key=len, reverse=True)
    pattern = "|".join(re.escape(one) if len(one) >= _SHORTEST else rf"\b{re.escape(one)}\b" for one in secrets)
    pieces = [re.sub(pattern, HIDDEN, piece) if pattern else piece for piece in text.split(uri)]
    text = shown_uri(uri).join(pieces)
    return _USER.sub(rf"\g<scheme>{HIDDEN}@", text)


def _parts(uri: str) -> tuple[str, str, str]:
    """(all before the query, what begins it, the query). A question mark before the last @ belongs to a password."""
    signed_in = uri.rfind("@") + 1 if _signed_in(uri) else 0
    ends = "?" if uri.startswith("sqlite") else "?#;"  # the names of files may hold the others
    start = re.compile(f"[{ends}]").search(uri, signed_in)
    if start is None:
        return uri, "", ""
    return uri[: start.start()], start[0], uri[start.end() :]


def _signed_in(uri: str) -> re.Match[str] | None:
    """Who signs in, if anybody: a path, as in sqlite:////home/me@work/mlflow.db, may hold an @ too."""
    found = _AUTHORITY.fullmatch(uri)
    if found is None or (found["scheme"] or "").endswith("///"):
        return None
    is_path = not found["scheme"] and ":" not in found["user"] and "/" in found["user"]
    return None if is_path and not _HOST_AND_PORT.match(found["rest"]) else found


def _shown_pair(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if not pair or (equals and (name.lower() in _HARMLESS or not value)):
        return pair
    return f"{name}={HIDDEN}" if equals else HIDDEN


def _secrets(uri: str) -> Iterator[str]:
    """Everything that `shown_uri` hides, in every spelling that a library may give it."""
    where, _, query = _parts(uri)
    found = _signed_in(where)
    if found:
        user, colon, password = found["user"].partition(":")
        yield from _spellings(password if colon else user)
        yield found["user"]
        for one in (found["user"], unquote(found["user"]), unquote_plus(found["user"])):
            yield base64.b64encode(one.encode(errors="replace")).decode()  # as a header of HTTP has it
    for pair in query.split("&"):
        if _shown_pair(pair) != pair:
            yield from _spellings(pair.partition("=")[2] or pair)


def _spellings(secret: str) -> Iterator[str]:
    plain = {secret, unquote(secret), unquote_plus(secret)}
    yield from plain
    for one in plain:
        yield from (quote(one, errors="replace"), quote(one, safe="", errors="replace"), repr(one)[1:-1])
        yield quote_plus(one, errors="replace")
