"""An LZ4 block: no frame, no length before it (SPEC.md section 11)."""


class Malformed(Exception):
    """Not a block that gives the length named."""


def decode(block, length):
    """Exactly so many bytes from a block."""
    out, at = bytearray(), 0

    def more(count):
        nonlocal at
        while True:
            if at >= len(block):
                raise Malformed("ends inside a length")
            byte = block[at]
            at += 1
            count += byte
            if byte != 255:
                return count

    while True:
        if at >= len(block):
            raise Malformed("ends before a token")
        token = block[at]
        at += 1
        literals = token >> 4
        if literals == 15:
            literals = more(literals)
        if at + literals > len(block) or len(out) + literals > length:
            raise Malformed("literals beyond the end")
        out += block[at : at + literals]
        at += literals
        if at == len(block):
            # The last sequence has literals only.
            break
        if at + 2 > len(block):
            raise Malformed("ends inside an offset")
        offset = int.from_bytes(block[at : at + 2], "little")
        at += 2
        if not 0 < offset <= len(out):
            raise Malformed("an offset before the beginning")
        count = token & 15
        if count == 15:
            count = more(count)
        count += 4
        if len(out) + count > length:
            raise Malformed("longer than named")
        for _ in range(count):
            out.append(out[-offset])
    if len(out) != length:
        raise Malformed("shorter than named")
    return bytes(out)
