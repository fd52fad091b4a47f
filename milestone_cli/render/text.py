"""Text from outside, safe for a terminal: nothing shown moves the cursor, recolours or reorders a line."""

BIDI = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
"""What reorders a line, and what ends one in the eyes of some programs (U+2028 and U+2029)."""
CONTROLS = (*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0))
ESCAPES = {code: f"\\x{code:02x}" for code in CONTROLS}
ESCAPES.update({code: f"\\u{code:04x}" for code in (*BIDI, *range(0xD800, 0xE000))})


def clean(text: str) -> str:
    r"""Show controls (but line feeds), bidirectional controls and lone surrogates as `\xNN` and `\uNNNN`."""
    return text if text.isprintable() else text.translate(ESCAPES)


def flat(text: str) -> str:
    """A text from outside as one harmless line; a line feed could forge another."""
    return clean(text).replace("\n", "\\n")
