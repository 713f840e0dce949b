"""``callcenter flows``: what the telephone says and asks, checked, tried, drawn, compared and published by hand."""
