"""The forms of a report by the name that ``--format`` gives them; each is imported when asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass

from perfkit.conf import project_folder
from perfkit.report.model import ReportModel


@dataclass(frozen=True, slots=True)
class Output:
    """Where a report goes.

    Attributes:
        file: any kind of stream; nothing is written to it here.
        color: True or False to overrule what the stream decides.
    """

    file: object
    color: bool | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A report in its form, and the exit status that goes with it: 0 but for a plugin's."""

    text: str
    status: int = 0


def form_of(model: ReportModel, version: str, output: Output) -> Form:
    """Return a report in the form that its options name.

    Args:
        model: the report.
        version: perfkit's own, which no module in it may import.
        output: where it will go.
    """
    # Each form imports what it alone needs: rich and a template engine take longer than the store.
    match model.options.format:
        case "json":
            from perfkit.report.json import to_json

            return Form(json.dumps(to_json(model, version), indent=2))
        case "sarif":
            from perfkit.report.sarif import to_sarif, within

            baseline = model.options.baseline
            known = set(baseline.entries) if baseline else None
            log = to_sarif(model.present, version, within(project_folder()), known)
            return Form(json.dumps(log, indent=2))
        case "markdown":
            from perfkit.report.markdown import to_markdown

            return Form(to_markdown(model, version))
        case "html":
            from perfkit.report.html import to_html

            return Form(to_html(model, version))
        case "nagios":
            from perfkit.report.nagios.answer import to_nagios

            answer = to_nagios(model)
            return Form(answer.text, answer.status)
        case _:
            from perfkit.report.text import to_text

            return Form(to_text(model, version, output.file, color=output.color))
