"""The report as Markdown: what a pull request shows."""

from __future__ import annotations

from typing import Any

from markdown_it import MarkdownIt


def test_it_has_figures_routes_and_findings(make: Any, write: Any, run: Any) -> None:
    """A table of routes, a list of findings with the code to write."""
    write(make.request(findings=(make.loop(),)), make.request("/x/", status=500, duration_ms=900.0))
    told = run(format="markdown")
    assert told.startswith("## perfkit\n")
    assert "**2 requests**, 1 error (50.0 %), 920 ms in all, " in told
    assert "Apdex 0.50" in told
    assert "| `GET /products/` | 1 | 0 | 20.0 ms | 20 | 20 | 20 | 1.00 | 3 | 0 | 25 % |" in told
    assert "1. `shop.Product.supplier`: 40 statements a request in GET /products/" in told
    assert '   - write `.select_related("supplier")`' in told
    assert "   - used `shop/templates/products.html:12`" in told
    tokens = [token.type for token in MarkdownIt("commonmark").enable("table").parse(told)]
    assert tokens.count("table_open") == 1
    assert tokens.count("ordered_list_open") == 1
    assert told.splitlines()[-1].startswith("<sub>perfkit ")


def test_foreign_text_is_code_or_escaped(make: Any, write: Any, run: Any) -> None:
    """A visitor's text in a route calls nobody and is no markup."""
    evil = "/<img src=x onerror=alert(1)>|`@team`/"
    write(make.request(evil, findings=(make.loop(fix="", message="@team <b>"),)))
    told = run(format="markdown")
    tokens = MarkdownIt("commonmark").enable("table").parse(told)
    inline = [child for token in tokens for child in token.children or ()]
    html = [each.content for each in inline if each.type == "html_inline"]
    assert [each for each in html if "sub" not in each] == []
    assert [each for each in inline if each.type == "text" and "<img" in each.content] != []
    assert "&#64;team" in told


def test_it_says_when_there_is_nothing(store: Any, make: Any, write: Any, run: Any) -> None:
    """No store, no findings, only known findings."""
    assert "**Nothing to report**" in run(format="markdown")
    write(make.request())
    assert "No findings: no loop of statements" in run(format="markdown")


def test_known_findings_are_counted(make: Any, write: Any, run: Any, tmp_path: Any) -> None:
    """A baseline leaves them out."""
    write(make.request(findings=(make.loop(),)))
    known = str(tmp_path / "known.json")
    run(write_baseline=known)
    assert "No new findings; 1 known one left out." in run(format="markdown", baseline=known)


def test_routes_chosen_and_what_is_not_known_are_told(make: Any, write: Any, run: Any) -> None:
    """As in the text report."""
    write(*[make.request(f"/{number}/") for number in range(3)])
    told = run(format="markdown", limit=1, route=["/"])
    assert "Only routes with `/`." in told
    assert "- 2 more routes beyond \\-\\-limit 1" in told
