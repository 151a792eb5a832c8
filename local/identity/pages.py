"""Pages of the hosted sign-in. They work without JavaScript and load nothing."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from urllib.parse import urlsplit

from werkzeug.wrappers import Response

USERS = (
    ("ana", "a user with a sandbox of her own"),
    ("bob", "another user, with another sandbox"),
    ("admin", "an administrator, who sees all sandboxes"),
)

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif;
  --soft: light-dark(#55616d, #a3afb9); --line: light-dark(#d4dae0, #3a434b);
  --accent: light-dark(#0b6e63, #4fc9b8); --bad: light-dark(#a8231c, #ff9b92); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-content: center; padding: 1rem;
  background: light-dark(#f6f7f9, #14171a); color: light-dark(#1a2129, #e8ecef); overflow-wrap: anywhere; }
main { width: min(26rem, calc(100vw - 2rem)); display: grid; gap: 1.25rem; padding: 1.5rem;
  background: light-dark(#fff, #1d2226); border: 1px solid var(--line); border-radius: 12px; }
h1 { font-size: 1.4rem; margin: 0; }
p { margin: 0; }
form { display: grid; gap: 0.5rem; }
button, input { font: inherit; color: inherit; padding: 0.5rem 0.875rem; border-radius: 8px;
  min-height: 2.75rem; width: 100%; background: none; border: 1px solid var(--line); text-align: start; }
input { border-color: var(--soft); }
button { cursor: pointer; }
button:hover { border-color: var(--accent); }
button strong { color: var(--accent); }
button span, .soft { color: var(--soft); font-size: 0.875rem; }
button strong, button span { display: block; }
button.plain { text-align: center; }
label { font-weight: 600; }
.error { color: var(--bad); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · local AWS emulator</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


def sign_in(query: str, redirect_uri: str, *, name: str = "", error: str = "") -> Response:
    """Return the sign-in page. `query` is that of the authorization request."""
    action = f"/login?{escape(query)}"
    users = "\n".join(
        f'<button name="username" value="{user}"><strong>{user}</strong><span>{text}</span></button>'
        for user, text in USERS
    )
    described = ' aria-invalid="true" aria-describedby="error"' if error else ""
    content = f"""
<p>This is the sign-in of the AWS emulator on this computer. Choose a user. No password is needed.</p>
<form method="post" action="{action}" aria-label="Users">
{users}
</form>
<form method="post" action="{action}" aria-label="Another user">
<label for="username">Another name</label>
<input id="username" name="username" value="{escape(name)}" maxlength="128" required
 autocomplete="off" autocapitalize="none" spellcheck="false"{described}>
{f'<p id="error" class="error" role="alert">{escape(error)}</p>' if error else ""}
<button class="plain">Sign in with this name</button>
</form>
<form method="post" action="{action}" aria-label="Cancel">
<button class="plain" name="cancel" value="yes">Cancel</button>
</form>"""
    return _response("Sign in", content, 400 if error else 200, form_action=origin(redirect_uri))


def failed(error: str, text: str) -> Response:
    """Return the page of a request from which no redirect is safe."""
    content = f"<p>{escape(text)}</p>\n<p class='soft'>Error: <code>{escape(error)}</code></p>"
    return _response("Signing in is not possible", content, 400)


def _response(title: str, content: str, status: int, form_action: str = "") -> Response:
    response = Response(
        _PAGE.format(title=title, style=_STYLE, content=content),
        status,
        content_type="text/html; charset=utf-8",
    )
    # Browsers apply form-action also to the redirect that answers a form.
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self' {form_action}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return response


def origin(url: str) -> str:
    """Return the origin of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
