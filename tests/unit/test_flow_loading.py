"""Which flows are in use: the shipped ones, a site's own in their place, and none that nothing leads to any more."""

from pathlib import Path

from ivr_flows.check import check, errors
from ivr_flows.loading import load, sources
from ivr_flows.model import LANGUAGES
from ivr_flows.prompts import prompts

PLAIN = """
flow: hotline
title: {zh: 热线, en: Hotline}
kind: call
operator: wait
start: greet
steps:
  greet: {say: greeting, next: wait}
  wait: {queue: service, otherwise: sorry}
  sorry: {hang_up: busy-goodbye}
"""
HEARD = {prompt.name: LANGUAGES for prompt in prompts()}


def test_a_hotline_of_ones_own_needs_none_of_the_sub_flows_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "hotline.yaml").write_text(PLAIN)
    assert sources().keys() - sources(tmp_path).keys() == {"incident.yaml", "progress.yaml"}
    assert errors(check(load(tmp_path), HEARD)) == []


def test_a_sub_flow_of_ones_own_stays_and_the_check_says_that_nothing_calls_it(tmp_path: Path) -> None:
    (tmp_path / "hotline.yaml").write_text(PLAIN)
    (tmp_path / "progress.yaml").write_bytes(sources()["progress.yaml"])
    assert "progress.yaml" in sources(tmp_path)
    assert "back_to_nothing" in {finding.code for finding in errors(check(load(tmp_path), HEARD))}


def test_while_a_file_cannot_be_read_nothing_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "hotline.yaml").write_text("flow: [")
    assert sources(tmp_path).keys() == sources().keys()


def test_a_folder_without_files_changes_nothing(tmp_path: Path) -> None:
    assert sources(tmp_path) == sources() == sources(tmp_path / "nowhere")
