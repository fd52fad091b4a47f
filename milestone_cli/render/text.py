"""Text from outside, safe for a terminal: nothing shown moves the cursor, recolours or reorders a line."""


class Escapes:
    r"""What `str.translate` puts for a character: `\xNN` and `\uNNNN` for what could do harm.

    That are the controls but line feeds, what reorders a line, what ends one in the eyes of some programs (U+2028
    and U+2029), and half characters. Asked rather than tabulated: a table of them all costs a tenth of a start.
    """

    def __getitem__(self, code: int) -> str:
        """What stands for this character; LookupError where the character stands for itself."""
        if (code < 0x20 and code != 0x0A) or 0x7F <= code < 0xA0:
            return f"\\x{code:02x}"
        if (
            code in (0x061C, 0x200E, 0x200F)
            or 0x2028 <= code < 0x202F
            or 0x2066 <= code < 0x206A
            or 0xD800 <= code < 0xE000
        ):
            return f"\\u{code:04x}"
        raise LookupError


ESCAPES = Escapes()


def clean(text: str) -> str:
    r"""Show controls (but line feeds), bidirectional controls and lone surrogates as `\xNN` and `\uNNNN`."""
    return text if text.isprintable() else text.translate(ESCAPES)


def flat(text: str) -> str:
    """A text from outside as one harmless line; a line feed could forge another."""
    return clean(text).replace("\n", "\\n")
