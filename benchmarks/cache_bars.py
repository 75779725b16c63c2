"""Judges the figures by the aims of the cache advisor."""

from __future__ import annotations

from typing import Any

from cache_cells import Cell, Grid

AIM_H, AIM_SAMPLED_H, AIM_SAMPLED_SHARE = 0.001, 0.02, 0.95
AIM_SAVED, AIM_MEMORY, AIM_STALE = 0.05, 0.10, 0.01
#: Of a full folder, where Django draws at random what goes, and so do we.
AIM_DRAWN = 0.02
#: Bytes below which a cache holds nothing but itself.
LEAST_HELD = 1_000_000

#: Share of the addresses that a sample has.
RATE = 0.1

#: Views of which one visitor must not get another's page.
PERSONAL = ("greeting", "account", "form")
Row = list[Any]


def bars(
    grids: list[Grid], policies: list[Cell], sampled: list[Cell], verdicts: list[Row]
) -> list[dict[str, Any]]:
    """Judge by the aims."""
    # Which file goes when a folder is full is drawn at random, by Django and by us.
    drawn = [each for each in grids if each.is_full and "file" in each.whole.where]
    exact = [cell for each in grids if each not in drawn for cell in each.cells] + policies
    every = exact + [each.whole for each in drawn]
    worst_cell = max(exact, key=lambda cell: abs(cell.off))
    off = abs(worst_cell.off)
    over = sum(abs(cell.off) > AIM_H for cell in exact)
    saved = max(abs(cell.saved_off) for cell in every)
    stale = max(abs(cell.stale[0] - cell.stale[1]) for cell in exact)
    held = [
        (abs(each.memory[0] / each.memory[1] - 1), f"{each.whole.where}, {each.whole.timeout_s} s")
        for each in grids
        if each.memory[1] >= LEAST_HELD
    ]
    memory, most_off = max(held, default=(0.0, "no cache"))
    near = sum(abs(cell.off) <= AIM_SAMPLED_H for cell in sampled) / len(sampled)
    leaks = [
        row
        for row in verdicts
        if row[0].split("/")[1] in PERSONAL and row[1] in ("cache_page", "cdn")
    ]
    made = [
        _bar(f"hit ratio: |ΔH| <= {AIM_H} in {len(exact)} cells", off <= AIM_H,
             f"{off:.4f}, {over} beyond; worst: {worst_cell.view} on {worst_cell.where}, "
             f"{worst_cell.timeout_s} s, {worst_cell.gets} GETs"),
        _bar(f"saved seconds within {AIM_SAVED:.0%}", saved <= AIM_SAVED, f"{saved:.2%}"),
        _bar(f"memory within {AIM_MEMORY:.0%} where 1 MB or more is held", memory <= AIM_MEMORY,
             f"{memory:.1%}, {sum(each > AIM_MEMORY for each, _ in held)} of {len(held)} beyond; worst: {most_off}"),
        _bar("stale share within 1 point", stale <= AIM_STALE, f"{stale * 100:.2f} points"),
        _bar(
            f"sampled at R = {RATE}: |ΔH| <= {AIM_SAMPLED_H} in {AIM_SAMPLED_SHARE:.0%} of {len(sampled)} cells",
            near >= AIM_SAMPLED_SHARE, f"{near:.1%}",
        ),
        _bar("no page of one visitor is offered to all", not leaks, f"{len(leaks)} of {len(verdicts)}"),
    ]  # fmt: skip
    if drawn:
        worst = max(abs(each.whole.off) for each in drawn)
        worst_stale = max(abs(each.whole.stale[0] - each.whole.stale[1]) for each in drawn)
        made.append(
            _bar(
                "a full folder, where what goes is drawn at random: |ΔH| <= 0.02, stale within 2 points",
                worst <= AIM_DRAWN and worst_stale <= AIM_DRAWN,
                f"{worst:.4f}, {worst_stale * 100:.2f} points",
            )
        )
    return made


def _bar(what: str, met: bool, figure: str) -> dict[str, Any]:
    return {"what": what, "met": met, "figure": figure}
