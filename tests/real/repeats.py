"""List everything that repeats on the real sites, told without perfkit, and what perfkit says of it.

``python tests/real/repeats.py [oscar] [wagtail] [--silent] [--checkout]`` prints it; it needs the sites that `make real`
built. ``--silent`` prints what is no finding only, ``--checkout`` takes perfkit as it stands and not as installed there.
"""

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from functools import cache
from typing import Any

from environment import variables
from sites import HERE, ROOT, SITES, Site

FIELDS = (
    "kind", "severity", "model", "path", "fix", "message", "count", "saved",
    "access", "callers", "origin", "loop", "parts",
)  # fmt: skip

Key = tuple[str, str, tuple[str, ...]]


def inside(site: Site, *command: str, checkout: bool = False) -> str:
    """Run a file of this folder in the site's environment, on a fresh copy of the seeded state, and return what it prints.

    ``checkout`` takes perfkit from there and not as installed. Raises RuntimeError with the output when it fails.
    """
    folder = ROOT / ".real" / f"{site.name}-witness"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(site.seeded, folder)
    environment = {
        name: value.replace(str(site.data), str(folder))
        for name, value in variables(site, perfkit=False).items()
    }
    if checkout:
        environment["PYTHONPATH"] += f":{ROOT}"
    done = subprocess.run(
        [str(site.environment / "bin" / "python"), str(HERE / command[0]), *command[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-4000:])
    return done.stdout


@cache
def witnessed(site: Site, *, checkout: bool = False) -> list[dict[str, Any]]:
    """Visit the planned pages in one process and return what each request repeated."""
    out = ROOT / ".real" / f"{site.name}-repeats.jsonl"
    inside(site, "witness.py", str(site.seeded / "plan.json"), str(out), checkout=checkout)
    return list(map(json.loads, out.read_text().splitlines()))


def grouped(
    requests: list[dict[str, Any]],
) -> dict[Key, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Join the repeats of one stack on one route over its requests."""
    groups: dict[Key, list[tuple[dict[str, Any], dict[str, Any]]]] = defaultdict(list)
    for request in requests:
        for repeat in request["repeats"]:
            groups[request["route"], repeat["text"], tuple(repeat["stack"])].append(
                (request, repeat)
            )
    return groups


def show(site: Site, requests: list[dict[str, Any]], *, silent_only: bool) -> None:
    """Print each repeat of a site, and what covers it; each finding in full once."""
    groups = grouped(requests)
    print(f"===== {site.name}: {len(requests)} requests, {len(groups)} repeats =====")
    numbers: dict[str, int] = {}
    for (route, text, stack), members in sorted(groups.items(), key=lambda item: item[0]):
        request, worst = max(members, key=lambda member: member[1]["count"])
        if silent_only and worst["findings"]:
            continue
        how = "one stack" if worst["strict"] else f"{worst['stacks']} stacks"
        print(
            f"\n{route}  {request['path']}  {worst['count']} times, {worst['distinct']} different, {how}, in {len(members)} requests"
        )
        print("   sql ", text[:160])
        for line in stack[:8]:
            print("   at  ", line)
        for finding in (request["findings"][number] for number in worst["findings"]):
            number = numbers.setdefault(json.dumps(finding), len(numbers) + 1)
            print(f"   finding {number}")
            for name in FIELDS if number == len(numbers) else ():
                print(f"      {name:8}", finding[name])
        if not worst["findings"]:
            print("   no finding")


def main(arguments: list[str]) -> None:
    """Print what the command line asks for."""
    for site in SITES:
        if site.name in arguments or not {"oscar", "wagtail"} & set(arguments):
            show(
                site,
                witnessed(site, checkout="--checkout" in arguments),
                silent_only="--silent" in arguments,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
