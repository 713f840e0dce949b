"""A small picture for each kind of step: one path of 16 by 16, drawn with a line."""

from collections.abc import Mapping

ICONS: Mapping[str, str] = {
    "say": "M2 3h12v8H7l-3 3v-3H2z",
    "menu": "M3 3h.01M8 3h.01M13 3h.01M3 8h.01M8 8h.01M13 8h.01M3 13h.01M8 13h.01M13 13h.01",
    "digits": "M6 2 4 14M12 2l-2 12M2 6h12M2 10h12",
    "hours": "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M8 4.5V8l2.5 2",
    "language": "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M1.5 8h13M8 1.5c-4 4-4 9 0 13c4-4 4-9 0-13",
    "recognise": "M8 2a3 3 0 1 0 0 6a3 3 0 1 0 0-6M2.5 14c0-6 11-6 11 0",
    "tell": "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M8 7v4.5M8 4.5h.01",
    "answer": "M2.5 8.5 6.5 12.5 13.5 4",
    "survey": "m8 1.5 2 4.3 4.6.5-3.4 3.2.9 4.7L8 11.9l-4.1 2.3.9-4.7L1.4 6.3 6 5.8z",
    "queue": "M5.5 3a2 2 0 1 0 0 4.5a2 2 0 1 0 0-4.5M1.5 13c0-5 8-5 8 0M11 3.5a2 2 0 0 1 0 4M12 9.5c2 .5 2.5 2 2.5 3.5",
    "callback": "M3 2.5h2.5l1 3L5 6.5c1 2 2.5 3.5 4.5 4.5l1-1.5 3 1v2C13 15 2 12 2 4.5q0-2 1-2M14 2l-4 4V3m0 3h3",
    "voice_message": "M8 1.5a2 2 0 0 0-2 2v4a2 2 0 0 0 4 0v-4a2 2 0 0 0-2-2M3.5 7.5c0 6 9 6 9 0M8 12v2.5",
    "transfer": "M2 5h11m-3-3 3 3-3 3M14 11H3m3-3-3 3 3 3",
    "flow": "M2 2h12v12H2zM5.5 5.5h5v5h-5z",
    "back": "M13 13c1-6-3-7-10-7m4-4-4 4 4 4",
    "set": "M3 6h10M3 10h10",
    "branch": "M8 2v4m0 0c0 4-5 3-5 8m5-8c0 4 5 3 5 8",
    "hang_up": "M2 10c2-5 10-5 12 0l-2.5 1.5-2-1.5V8c-1-.5-2-.5-3 0v2l-2 1.5z",
}
