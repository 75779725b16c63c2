"""What stands in a page: nothing in data can leave its place, and a browser is told of each script by its hash."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from perfkit.report.html import assets
from perfkit.report.html.assets import asset, embedded, in_ascii, policy
from tests.report_html.made import HOSTILE


@pytest.mark.parametrize("text", [HOSTILE, "</SCRIPT >", "<!--<script>", "]]>", "&quot;", "\u2028"])
def test_data_cannot_end_its_script(text: str) -> None:
    """No character that HTML or a script reads as the end of anything is left, and nothing is lost."""
    written = embedded({"text": [text, {text: text}]})
    assert written.isascii()
    assert not set("<>&") & set(written)
    assert "\u2028" not in written
    assert json.loads(written) == {"text": [text, {text: text}]}


def test_data_is_json() -> None:
    """What JSON cannot say is an error here, not in a browser."""
    with pytest.raises(ValueError, match="JSON compliant"):
        embedded(float("nan"))


def test_a_policy_names_every_script_and_style_and_nothing_else() -> None:
    """Each is named by the hash of its very text; no address and no 'unsafe-inline' is."""
    scripts, styles = [asset("theme.js"), asset("copy.js")], [asset("tokens.css")]
    rules = dict(rule.split(" ", 1) for rule in policy(scripts, styles).split("; "))
    assert rules["default-src"] == "'none'"
    digest = b64encode(sha256(scripts[0].text.encode()).digest()).decode()
    assert rules["script-src"].split() == [f"'sha256-{digest}'", scripts[1].hash]
    assert rules["style-src"] == styles[0].hash
    assert "unsafe" not in str(rules)
    assert "http" not in str(rules)


@pytest.mark.parametrize("text", ["/* \u00b5 */", "'</script>'", "'</style>'", "x <!-- y"])
def test_an_asset_that_would_break_the_page_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A developer learns it when the page is made, with the file's name."""
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    (tmp_path / "bad.js").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"bad\.js cannot stand in a page"):
        asset("bad.js")


def test_a_page_is_ascii() -> None:
    """A terminal's encoding cannot spoil what was written to it."""
    assert in_ascii("µ – \U0001f600") == "&#181; &#8211; &#128512;"
