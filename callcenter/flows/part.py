"""What each sub-command of ``callcenter flows`` stands on: how it is added, and its exit codes."""

import argparse
from collections.abc import Callable

WORDS = "draft (the shipped flows with the files of <home>/flows), shipped, a version's number, or a folder"
"""What one may write where a set of flows is to be named; ``named`` knows what it means."""

DONE, FAILED, WRONG = 0, 1, 2
"""Done; it could not be done, or errors were found; the settings or the command are wrong."""

Run = Callable[[argparse.Namespace], int]
"""Does the work and gives the exit code. Heavy imports belong in here: every command pays for those above it."""

Add = Callable[[str, Run, str], argparse.ArgumentParser]
"""``add(name, run, told)`` makes one sub-command and gives its parser for the further arguments."""
