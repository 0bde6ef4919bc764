"""The description of the service as one plain page: no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color-scheme:light dark}h2{margin-top:2.5rem}code,pre{font:14px/1.4 ui-monospace,monospace}
h2 code{font-size:20px;font-weight:600}
pre{overflow:auto;padding:.75rem;border:1px solid #8888}table{border-collapse:collapse}
td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}"""


def docs_page(described: Mapping[str, Any]) -> str:
    """HTML of an OpenAPI description: every address, then every type.

    Example:
        >>> page = docs_page({"info": {"title": "t", "version": "1"}, "paths": {"/a<b": {
        ...     "get": {"description": "Look.", "responses": {"200": {"description": "ok"}}}}}})
        >>> "<code>GET /a&lt;b</code>" in page, "<script" in page
        (True, False)
    """
    info = described["info"]
    title = f"{info['title']} {info['version']}"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(info.get('description', ''))} ",
        'For programs: <a href="/openapi.json">openapi.json</a>.</p>',
    ]
    for path, methods in described["paths"].items():
        for method, what in methods.items():
            parts += _address(f"{method.upper()} {path}", what)
    parts.append("<h2>Types</h2>")
    for name, schema in sorted(described.get("components", {}).get("schemas", {}).items()):
        # The name stands inside: a link to it then opens the type.
        parts.append(f"<details><summary><code>{escape(name)}</code></summary>")
        text = escape(json.dumps(schema, indent=1))
        parts.append(f'<pre id="{escape(name)}">{text}</pre></details>')
    return "\n".join([*parts, "</body></html>"])


def _address(heading: str, what: Mapping[str, Any]) -> list[str]:
    """One address: what it does, takes and answers."""
    parts = [f"<h2><code>{escape(heading)}</code></h2><p>{escape(what.get('description', ''))}</p>"]
    for one in what.get("parameters", ()):
        needed = "" if one.get("required") else " (may be left out)"
        parts.append(
            f"<p>Takes <code>{escape(one['name'])}</code> in {escape(one['in'])}{needed}.</p>"
        )
    for kind, body in what.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body, <code>{escape(kind)}</code>: {_type(body['schema'])}</p>")
    parts.append("<table>")
    for status, answer in what["responses"].items():
        kinds = [
            _type(one["schema"]) for one in answer.get("content", {}).values() if "schema" in one
        ]
        cells = (status, escape(answer["description"]), " ".join(kinds))
        parts.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return [*parts, "</table>"]


def _type(schema: Mapping[str, Any]) -> str:
    """A link to a type, or the type itself."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#{name}"><code>{name}</code></a>'
    return f"<pre>{escape(json.dumps(schema, indent=1))}</pre>" if schema else ""
