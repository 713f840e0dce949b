"""What is written about flows for those who write them is what the program does."""

from pathlib import Path

from dispatch import tellings
from ivr_flows.kinds import KINDS
from ivr_flows.kinds.answer import ANSWERS
from ivr_flows.kinds.kind import REQUIRED, Kind
from ivr_flows.kinds.tell import TELLINGS
from ivr_flows.loading import sources

PAGE = (Path(__file__).parents[2] / "docs/flows.md").read_text("utf-8")


def row(kind: Kind) -> str:
    """The kind's line in the table of the page."""
    options = []
    for option in kind.options:
        bare = option.default in (REQUIRED, None, ())
        options.append(f"`{option.name}`" if bare else f"`{option.name}: {option.default}`")
    ways = [f"`{kind.ways.option}`"] if kind.ways else []
    for edge in kind.edges:
        if not edge.fixed:
            ways.append(f"[`{edge.name}`]" if edge.optional or edge.default else f"`{edge.name}`")
    where = "" if len(kind.flows) == 3 else ", ".join(kind.flows)
    return f"| `{kind.name}` | {kind.summary.partition(' / ')[2]} | {' '.join(options)} | {' '.join(ways)} | {where} |"


def test_the_page_has_every_kind_with_its_options_defaults_and_ways() -> None:
    missing = [row(kind) for kind in KINDS.values() if row(kind) not in PAGE]

    assert missing == [], "\n".join(missing)


def test_the_page_names_every_shipped_flow_telling_and_answer() -> None:
    names = [name.removesuffix(".yaml") for name in sources() if name != "calendars.yaml"]
    for name in [*names, *TELLINGS, *ANSWERS]:
        assert f"`{name}`" in PAGE, name


def test_what_a_flow_can_tell_is_what_the_application_knows() -> None:
    assert set(TELLINGS) == set(tellings.TELLINGS)
