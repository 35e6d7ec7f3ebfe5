"""Reads the totals of a ring file (runtimes/ring.h): not with the agent's code, so that each checks the other."""
import glob
import os
import struct

SLOTS_AT, SLOT, BODIES_AT, BODY, STACK, NAMES_AT = 4096, 128, 128 << 20, 12 << 20, 4 << 20, 64 << 20
HEADER = struct.Struct("<QIIiiIIIIQQQQQQQQ")
EDGE = struct.Struct("<8Q")
NAMED = 1 << 63
VALUE = 257


class Ring:
    """path, pid, forked_from, state, lost, unpaired; totals: {(file, line, name): [calls, total, self]}, in ticks;
    values: [(expression, value, how many were skipped before)]."""

    def __init__(self, path):
        self.path = path
        self.totals = {}
        self.lost = self.unpaired = 0
        self.open_calls = []
        self.values = []
        with open(path, "rb") as self.file:
            header = HEADER.unpack(self.file.read(HEADER.size))
            self.pid, self.forked_from, self.state = header[3:6]
            self.bias_inside, self.bias_around, self.unseen_calls = header[11:14]
            for slot in range(header[8]):
                self._read_slot(slot)
            self._read_values(header[14])

    def _read_slot(self, slot):
        _, _, depth, edges, _, _, lost, unpaired = struct.unpack("<IiIIQQQQ", self._at(SLOTS_AT + SLOT * slot, 48))
        self.lost += lost
        self.unpaired += unpaired
        body = BODIES_AT + BODY * slot
        for function, caller, calls, outer, total, own, below, children in EDGE.iter_unpack(
                self._at(body + STACK + EDGE.size, (edges - 1) * EDGE.size) if edges > 1 else b""):
            entry = self.totals.setdefault(self._name(function), [0, 0, 0])
            for i, value in enumerate((calls, total, own)):
                entry[i] += value
        for call in range(1, depth + 1):
            self.open_calls.append(self._name(struct.unpack("<QQ", self._at(body + 64 * call, 16))[1]))

    def _read_values(self, end):
        at = 8
        while at < end:
            size, _, name, file, kind = struct.unpack("<IIHHI", self._at(NAMES_AT + at, 16))
            text = self._at(NAMES_AT + at + 16, name + file)
            if kind == VALUE:
                _, _, skipped = struct.unpack("<QII", text[name:name + 16])
                self.values.append((text[name + 16:].decode(), text[:name].decode(), skipped))
            at += size

    def _at(self, offset, size):
        self.file.seek(offset)
        return self.file.read(size)

    def _name(self, function):
        offset = function & ~NAMED
        if not function & NAMED or offset == 0:
            return ("", 0, "?")
        size, line, name, file, _ = struct.unpack("<IIHHI", self._at(NAMES_AT + offset, 16))
        text = self._at(NAMES_AT + offset + 16, name + file).decode()
        return (text[name:], line, text[:name])

    def counts(self):
        return {function: calls for function, (calls, _, _) in self.totals.items() if calls}


def rings_in(folder):
    return [Ring(path) for path in sorted(glob.glob(os.path.join(folder, "*.python")))]


class Entry:
    """A place of code: function (file, line of its definition, name), line, parent (index); bytes, blocks, held."""

    def __init__(self, function, parent, line, handed_out, blocks, held):
        self.function, self.parent, self.line = function, parent, line
        self.bytes, self.blocks, self.held = handed_out, blocks, held


class Allocations(Ring):
    """path, pid, forked_from, entries: those below FIRST are no places of code, but the root, what was cut above, what was
    done without the GIL, what found no room."""
    ROOT, CUT, WITHOUT_GIL, NO_ROOM, FIRST = range(5)

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as self.file:
            self.pid, self.forked_from = HEADER.unpack(self.file.read(HEADER.size))[3:5]
            used, self.blocks_lost = struct.unpack("<2Q", self._at(HEADER.size + 16, 16))
            self.entries = []
            for function, parent, line, handed_out, blocks, held, _ in struct.Struct("<QIIQQQQ").iter_unpack(self._at(BODIES_AT, used * 48)):
                self.entries.append(Entry(self._name(function), parent, line, handed_out, blocks, held))

    def stack(self, entry):
        """[(name, line)], outermost first; "[cut]" stands for what was too deep."""
        found = []
        while entry >= self.FIRST:
            found.append((self.entries[entry].function[2], self.entries[entry].line))
            entry = self.entries[entry].parent
        return (["[cut]"] if entry == self.CUT else []) + found[::-1]


def allocations_in(folder):
    return [Allocations(path) for path in sorted(glob.glob(os.path.join(folder, "*.allocations")))]
