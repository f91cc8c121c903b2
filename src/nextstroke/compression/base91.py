"""Bytes as text for channels that carry only ASCII: basE91, by which 13 or 14 bits become two of 91 characters.

The alphabet has neither blanks nor the apostrophe, the dash or the backslash, so that shells and chats leave it alone.
"""

from nextstroke.errors import CorruptFile

ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&()*+,./:;<=>?@[]^_`{|}~"'
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_BASE = len(ALPHABET)
_FEW = _BASE * _BASE - (1 << 13)  # 13-bit numbers below it can take another bit


def to_base91(data: bytes) -> str:
    """Return bytes as text."""
    text, bits, count = [], 0, 0
    for byte in data:
        bits |= byte << count
        count += 8
        if count > 13:
            width = 14 if bits % (1 << 13) < _FEW else 13
            text += _pair(bits % (1 << width))
            bits >>= width
            count -= width
    if count:
        text += _pair(bits) if count > 7 or bits >= _BASE else [ALPHABET[bits]]
    return "".join(text)


def _pair(number: int) -> list[str]:
    return [ALPHABET[number % _BASE], ALPHABET[number // _BASE]]


def from_base91(text: str) -> bytes:
    """Return the bytes whose text this is.

    Raises:
        CorruptFile: It is the text of no bytes.
    """
    strange = next((character for character in text if character not in _VALUES), None)
    if strange is not None:
        raise CorruptFile(f"a message as text has the character {strange!r}; take another copy")
    data, bits, count = bytearray(), 0, 0
    for first in range(0, len(text), 2):
        pair = text[first : first + 2]
        number = sum(_VALUES[character] * _BASE**place for place, character in enumerate(pair))
        bits |= number << count
        count += 7 if len(pair) == 1 else 14 if number % (1 << 13) < _FEW else 13
        while count > 7:
            data.append(bits & 255)
            bits >>= 8
            count -= 8
    if to_base91(bytes(data)) != text:
        raise CorruptFile("a message as text is cut short or altered; take another copy")
    return bytes(data)
