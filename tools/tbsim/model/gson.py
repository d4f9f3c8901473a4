"""A lenient reader of JSON, as Gson in its lenient mode is: what ThingsBoard reads bodies with.

It takes unquoted and single-quoted text, any case of true, false and null, comments, ";" for ",",
"=" or "=>" for ":", a byte-order mark, raw line feeds in text, and bytes that are no UTF-8. What
is unquoted and neither a keyword nor a number of JSON is text: NaN, 05, +5, .5, 0x10.
"""

import re

MAX_DEPTH = 255
BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|#[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
LITERAL = re.compile(r"[^/\\;#={}\[\]:, \t\f\r\n]+")
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
ESCAPES = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
KEYWORDS = {"true": True, "false": False, "null": None}


class Double(float):
    """A number with a decimal point or an exponent, and how it was written."""

    text: str

    def __new__(cls, text: str):
        double = super().__new__(cls, text)
        double.text = text
        return double


def read(body: bytes):
    """Return the value of a body, None for one without any; ValueError for what Gson refuses."""
    reader = _Reader(body.decode(errors="replace").removeprefix("\ufeff"))
    if not reader.peek():
        return None
    value = reader.value(0)
    if reader.peek():
        raise ValueError("something follows the value")
    return value


class _Reader:
    def __init__(self, text: str):
        self._text = text
        self._position = 0

    def peek(self) -> str:
        """Return the next character that is not blank, or "" at the end; it stays there."""
        self._position = BLANK.match(self._text, self._position).end()
        return self._text[self._position : self._position + 1]

    def value(self, depth: int):
        first = self.peek()
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        if first == "{":
            return self._object(depth + 1)
        if first == "[":
            return self._array(depth + 1)
        if first and first in "\"'":
            return self._quoted()
        return _literal(self._unquoted())

    def _object(self, depth: int) -> dict:
        found = {}
        self._position += 1
        if self._take("}"):
            return found
        while True:
            quoted = self.peek() and self.peek() in "\"'"
            name = self._quoted() if quoted else self._unquoted()
            if not self._take(":="):
                raise ValueError("no colon")
            if self._text.startswith("=>", self._position - 1):
                self._position += 1
            found[name] = self.value(depth)
            if self._take("}"):
                return found
            if not self._take(",;"):
                raise ValueError("an object does not end")

    def _array(self, depth: int) -> list:
        found = []
        self._position += 1
        if self._take("]"):
            return found
        while True:
            omitted = self.peek() and self.peek() in ",;]"
            found.append(None if omitted else self.value(depth))
            if self._take("]"):
                return found
            if not self._take(",;"):
                raise ValueError("an array does not end")

    def _take(self, characters: str) -> bool:
        """Go past the next character if it is one of these."""
        taken = self.peek() != "" and self.peek() in characters
        self._position += taken
        return taken

    def _unquoted(self) -> str:
        found = LITERAL.match(self._text, self._position)
        if not found:
            raise ValueError("nothing where a value or a name belongs")
        self._position = found.end()
        return found.group()

    def _quoted(self) -> str:
        quote, found = self._text[self._position], []
        while True:
            self._position += 1
            character = self._text[self._position : self._position + 1]
            if character == quote:
                self._position += 1
                return _joined(found)
            if not character:
                raise ValueError("text does not end")
            found.append(self._escaped() if character == "\\" else character)

    def _escaped(self) -> str:
        self._position += 1
        character = self._text[self._position : self._position + 1]
        if character == "u":
            digits = self._text[self._position + 1 : self._position + 5]
            if not re.fullmatch("[0-9a-fA-F]{4}", digits):
                raise ValueError("no escape")
            self._position += 4
            return chr(int(digits, 16))
        if character and character in "\n'\"\\/":
            return character
        if character not in ESCAPES:
            raise ValueError("no escape")
        return ESCAPES[character]


def _joined(characters: list[str]) -> str:
    """Return the text with escaped surrogate pairs as one character; a lone half stays."""
    text = "".join(characters)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _literal(text: str):
    if text.lower() in KEYWORDS:
        return KEYWORDS[text.lower()]
    number = NUMBER.fullmatch(text)
    if not number:
        return text
    return Double(text) if number[1] or number[2] else int(text)
