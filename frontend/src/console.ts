// What every page of the console loads: htmx for fragments, its event-stream extension for live regions.

import "htmx.org";
import "htmx-ext-sse";
