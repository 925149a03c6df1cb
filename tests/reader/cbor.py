"""Deterministic CBOR, SPEC.md section 1: a reader that refuses the first byte that is not canonical, and a writer."""

MAX_DEPTH = 16

EXPECTED = {0: "uint", 1: "int", 2: "bytes", 3: "text", 4: "array", 5: "map"}


class Refused(Exception):
    """Bytes that are not what they should be: the reason by its word in SPEC.md, and the byte."""

    def __init__(self, reason, offset=0, detail=""):
        super().__init__(f"{reason} at byte {offset}" + (f": {detail}" if detail else ""))
        self.reason = reason
        self.offset = offset


class Reader:
    """A cursor over bytes."""

    def __init__(self, data):
        self.data = data
        self.at = 0
        self.depth = 0

    def finish(self):
        """Nothing follows the value."""
        if self.at != len(self.data):
            raise Refused("trailing", self.at)

    def major(self):
        """The major type of the next item."""
        if self.at >= len(self.data):
            raise Refused("truncated", self.at)
        return self.data[self.at] >> 5

    def head(self, major):
        """The argument of the next item, which must be of this major type, and where the item stands."""
        start = self.at
        if start >= len(self.data):
            raise Refused("truncated", start)
        found, info = self.data[start] >> 5, self.data[start] & 31
        if found >= 6:
            raise Refused("unsupported", start)
        if info == 31 and found >= 2:
            raise Refused("indefinite", start)
        if info >= 28:
            raise Refused("unsupported", start)
        if found != major:
            raise Refused("expected", start, EXPECTED[major])
        if info < 24:
            self.at = start + 1
            return info, start
        width = 1 << (info - 24)
        digits = self.data[start + 1 : start + 1 + width]
        if len(digits) < width:
            raise Refused("truncated", start)
        value = int.from_bytes(digits, "big")
        if value < (24 if width == 1 else 1 << (4 * width)):
            raise Refused("not_shortest", start)
        self.at = start + 1 + width
        return value, start

    def uint(self, most=2**64 - 1):
        """An unsigned integer."""
        value, start = self.head(0)
        if value > most:
            raise Refused("too_many", start)
        return value

    def int(self):
        """An integer of 64 bits with sign."""
        negative = self.major() == 1
        value, start = self.head(1 if negative else 0)
        if value >= 2**63:
            raise Refused("value", start, "integer beyond 64 bits")
        return -1 - value if negative else value

    def _take(self, major, most):
        length, start = self.head(major)
        if length > most:
            raise Refused("too_many", start)
        if self.at + length > len(self.data):
            raise Refused("truncated", start)
        self.at += length
        return self.data[self.at - length : self.at], start

    def bytes(self, most):
        """A byte string of at most so many bytes."""
        return self._take(2, most)[0]

    def fixed(self, length):
        """A byte string of exactly so many bytes."""
        taken, start = self._take(2, length)
        if len(taken) != length:
            raise Refused("value", start, f"not {length} bytes")
        return taken

    def text(self, most):
        """A text string of at most so many bytes."""
        taken, start = self._take(3, most)
        try:
            return taken.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("utf8", start) from None

    def bool(self):
        """false or true."""
        if self.at >= len(self.data):
            raise Refused("truncated", self.at)
        byte = self.data[self.at]
        if byte in (0xF4, 0xF5):
            self.at += 1
            return byte == 0xF5
        raise Refused("unsupported" if byte >> 5 >= 6 else "expected", self.at)

    def null(self):
        """Whether null stands here; it is then taken."""
        if self.at >= len(self.data):
            raise Refused("truncated", self.at)
        if self.data[self.at] == 0xF6:
            self.at += 1
            return True
        return False

    def _enter(self, major, most):
        count, start = self.head(major)
        if self.depth >= MAX_DEPTH:
            raise Refused("too_deep", start)
        self.depth += 1
        if count > most:
            raise Refused("too_many", start)
        return count

    def array(self, most):
        """The count of an array of at most so many items; leave() follows its last item."""
        return self._enter(4, most)

    def tuple(self, count):
        """An array of exactly so many items."""
        start = self.at
        if self._enter(4, count) != count:
            raise Refused("value", start, f"not {count} items")

    def tuple_or_longer(self, count):
        """An array of so many items or of one more, and whether it has that one."""
        start = self.at
        found = self._enter(4, count + 1)
        if found < count:
            raise Refused("value", start, f"not {count} items or one more")
        return found > count

    def map(self, most):
        """The count of a map of at most so many pairs."""
        return self._enter(5, most)

    def key(self, last):
        """The next key, above the last one (-1 before the first)."""
        start = self.at
        key = self.uint()
        if key <= last:
            raise Refused("key_order", start)
        return key

    def leave(self):
        """After the last item of an array or map."""
        self.depth -= 1

    def list(self, most, item):
        """An array whose items are read by a function of this reader."""
        items = [item(self) for _ in range(self.array(most))]
        self.leave()
        return items


def read(data, item):
    """The one value that the bytes hold, read by a function of a Reader."""
    reader = Reader(data)
    value = item(reader)
    reader.finish()
    return value


def _head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << (8 * width):
            return bytes([major << 5 | info]) + value.to_bytes(width, "big")
    raise ValueError("beyond 64 bits")


def write(value):
    """int, bytes, str, bool, None, list and dict with int keys as deterministic CBOR."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(write(k) + write(value[k]) for k in sorted(value))
    return _head(4, len(value)) + b"".join(write(item) for item in value)
