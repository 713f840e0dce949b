"""Brings what the tests run with, before they start, so that no test's time runs out on a download.

`python -m tools.bring` for the tests, `python -m tools.bring bench` for the benchmarks too.
"""

from __future__ import annotations

import sys

from foundation.asterisk.errors import PackageError
from foundation.asterisk.provision import provision_asterisk, provision_espeak
from tools.chromium import bring_chromium, bring_cjk_font
from tools.sipp import bring_sipp


def main() -> int:
    try:
        provision_asterisk()
        provision_espeak()
        bring_chromium()
        bring_cjk_font()
        if "bench" in sys.argv[1:]:
            bring_sipp()
    except PackageError as error:
        print(f"\nThis could not be brought, so nothing was started:\n{error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
