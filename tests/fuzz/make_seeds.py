#!/usr/bin/env python3
"""Writes the seeds that are not text of their own: make_seeds.py FOLDER.

Binary formats (ELF images, streams of records) are written here rather than kept, so that a reviewer
can see what they hold; the rules file is the example that the repository has.
"""
import json
import lzma
import pathlib
import struct
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = pathlib.Path(sys.argv[1])


def write(name: str, seed: str, data: bytes) -> None:
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / seed).write_bytes(data)


# --- rules ---------------------------------------------------------------------------------------

for number, path in enumerate(sorted(SOURCE.glob("examples/**/rules.yaml"))):
    write("rules", f"example_{number}.yaml", path.read_bytes())

for number, path in enumerate(sorted(SOURCE.glob("examples/**/rules_test.yaml"))):
    write("rules_fixture", f"example_{number}.yaml", path.read_bytes())

# --- expressions: those of the conformance cases --------------------------------------------------

for path in sorted(SOURCE.glob("tests/rules/cel/cases/*.jsonl")):
    for number, line in enumerate(path.read_text().splitlines()):
        write("cel", f"{path.stem}_{number}", json.loads(line)["expr"].encode())

# --- answers of name servers ----------------------------------------------------------------------


def dns(*records: bytes) -> bytes:
    question = b"\3www\7example\3com\0" + struct.pack(">HH", 1, 1)
    return struct.pack(">6H", 7, 0x8180, 1, len(records), 0, 0) + question + b"".join(records)


def dns_record(owner: int, kind: int, data: bytes) -> bytes:
    return struct.pack(">HHHIH", 0xC000 | owner, kind, 1, 60, len(data)) + data


ALIAS = dns_record(12, 5, b"\4edge\xc0\x10")
write("dns_answer", "address", dns(dns_record(12, 1, bytes([10, 0, 0, 7]))))
write("dns_answer", "alias", dns(ALIAS, dns_record(45, 1, bytes([10, 0, 0, 7])), dns_record(45, 28, bytes(16))))
write("dns_answer", "stream", struct.pack(">H", len(dns(ALIAS))) + dns(ALIAS))

# --- what is said on a connection ------------------------------------------------------------------


def said(*transfers: tuple[bool, bytes]) -> bytes:
    return b"".join(bytes([sent | 2 * text.endswith(b"0\r\n\r\n"), len(text)]) + text for sent, text in transfers)


write("http_conversation", "pipelined", said(
    (True, b"GET /a?b HTTP/1.1\r\nHost: h\r\n\r\nHEAD /c HTTP/1.1\r\ntraceparent: 00-1-2-01\r\n\r\n"),
    (False, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 304 No\r\n\r\n")))
write("http_conversation", "chunks", said(
    (False, b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), (False, b"1\r\nx\r\n0\r\n\r\n"),
    (True, b"HTTP/1.1 100 Continue\r\n\r\n"), (True, b"HTTP/1.0 200 OK\r\n\r\nbody"), (True, b"more")))

# --- ELF: one code section, two functions, an object, a build id ---------------------------------


def strings(*names: str) -> tuple[bytes, dict[str, int]]:
    table, at = b"\0", {}
    for name in names:
        at[name] = len(table)
        table += name.encode() + b"\0"
    return table, at


def elf(symbol_type: int, functions=("main", "_ZN3foo3barEv"), code: bytes = b"\xc3" * 32, each: int = 8) -> bytes:
    """Functions of `each` bytes, from the code's beginning on."""
    names, name_at = strings(*functions, "_PyRuntime")
    sections, section_at = strings(".text", ".symtab", ".strtab", ".note", ".shstrtab")
    symbol = lambda name, info, index, value, size: struct.pack("<IBBHQQ", name, info, 0, index, value, size)
    symbols = (symbol(0, 0, 0, 0, 0)
               + b"".join(symbol(name_at[f], 0x12, 1, 0x1000 + each * i, each) for i, f in enumerate(functions))
               + symbol(name_at["_PyRuntime"], 0x11, 1, 0x1010, 8))
    note = struct.pack("<III4s", 4, 8, 3, b"GNU\0") + bytes(range(8))
    bodies = [code, symbols, names, note, sections]
    offsets, at = [], 64 + 56
    for body in bodies:
        offsets.append(at)
        at += len(body)
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, 62, 1, 0x1000, 64, at, 0, 64, 56, 1, 64, 6, 5)
    segment = struct.pack("<IIQQQQQQ", 1, 5, offsets[0], 0x1000, 0x1000, len(code), len(code), 1)
    row = lambda name, kind, flags, address, index, link, entry: struct.pack(
        "<IIQQQQIIQQ", section_at.get(name, 0), kind, flags, address, offsets[index], len(bodies[index]), link, 0, 1, entry)
    table = (bytes(64) + row(".text", 1, 6, 0x1000, 0, 0, 0) + row(".symtab", symbol_type, 0, 0, 1, 3, 24)
             + row(".strtab", 3, 0, 0, 2, 0, 0) + row(".note", 7, 0, 0, 3, 0, 0) + row(".shstrtab", 3, 0, 0, 4, 0, 0))
    return header + segment + b"".join(bodies) + table


for reader in ("elf_image", "program_file", "start_places"):
    write(reader, "symtab", elf(2))
    write(reader, "dynsym", elf(11))

# OpenSSL: SSL_read_ex makes room and calls the function behind all of these, SSL_read calls it too.
call = lambda at, to: b"\xe8" + struct.pack("<i", to - at - 5)
code = [b"\x48\x83\xec\x08" + call(4, 64), b"\x90" + call(17, 64), b"\x53\x5b", b"\x53\x5b", b"\x53\x5b"]
write("tls_library", "wrapped", elf(11, ("SSL_read_ex", "SSL_read", "SSL_do_handshake", "SSL_free"),
                                    b"".join(one.ljust(16, b"\xc3") for one in code), 16))
write("tls_library", "plain", elf(2, ("SSL_read", "SSL_write", "SSL_do_handshake"), b"\x48\x83\xec\x18\xc3" * 6 + b"\x90\x90"))

# --- records: see bpf/wire.h and record_fuzzer.cpp ------------------------------------------------

FORK, EXEC, EXIT, OOM, IO, IO_PATH, REQUEST_HEAD, ANSWER_PART, FD_CHANGE, EXISTING = range(1, 11)
USAGE = struct.pack("<QQQQQ", 1, 2, 3, 4, 5)
PEER = bytes([127, 0, 0, 1]) + bytes(12) + struct.pack("<HH", 9001, 2)


def record(kind: int, at: int, body: bytes) -> bytes:
    data = struct.pack("<QQQiiII", at, 7, 42, 100, 101, 0, 0) + body
    return struct.pack("<BH", kind, len(data)) + data


def io(operation: int, file: int, result: int, fd: int) -> bytes:
    return struct.pack("<qQiBBH", result, 1000, fd, operation, file, 0) + PEER + PEER


environment = b"AWS_LAMBDA_FUNCTION_NAME=orders\0AWS_LAMBDA_RUNTIME_API=127.0.0.1:9001\0"
executed = record(EXEC, 10, struct.pack("<iIQ16s256s", 1, len(environment), len(environment), b"bootstrap",
                                        b"/var/runtime/bootstrap") + environment)
request = lambda at, text: record(REQUEST_HEAD, at, USAGE + PEER + struct.pack("<iII", 5, len(text), 0) + text)
answer = lambda at, offset, text: record(
    ANSWER_PART, at, USAGE + struct.pack("<iIII", 5, offset, len(text), len(text)) + text)
next_one = request(20, b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: a\r\n\r\n")
head = (b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8476a536\r\n"
        b"Lambda-Runtime-Deadline-Ms: 1542409706888\r\nContent-Length: 2\r\n\r\n{}")
done = request(90, b"POST /2018-06-01/runtime/invocation/8476a536/response HTTP/1.1\r\n\r\n")
write("record", "invocation", executed + next_one + answer(30, 0, head) + done)
write("record", "answer_in_parts", executed + next_one + answer(30, 0, head[:40]) + answer(31, 40, head[40:]) + done)
write("record", "killed", executed + next_one + answer(30, 0, head) + record(OOM, 40, USAGE)
      + record(EXIT, 41, struct.pack("<iI", 9, 0) + USAGE))
write("record", "files", record(FORK, 5, struct.pack("<iI16s", 99, 0, b"worker"))
      + record(IO_PATH, 6, io(5, 2, 7, -100) + b"../tmp/./data\0") + record(IO, 7, io(6, 2, 512, 7))
      + record(FD_CHANGE, 8, struct.pack("<iiII", 7, 8, 1, 0)) + record(IO, 9, io(7, 2, 12, 8))
      + record(FD_CHANGE, 10, struct.pack("<iiII", 3, 2**31 - 1, 0, 0)) + record(IO, 11, io(1, 1, 0, 9)))
write("record", "existing", record(EXISTING, 1, struct.pack("<iI16s", 1, 0, b"python3")))

# --- CPython's line tables: format, instruction, table --------------------------------------------

write("line_table", "lnotab", bytes([0, 1]) + bytes([6, 1, 8, 2, 10, 255]))
write("line_table", "linetable", bytes([1, 1]) + bytes([4, 1, 6, 128, 8, 3]))
write("line_table", "locations", bytes([2, 1]) + bytes([0xE8, 2, 0x80, 5, 0xD8, 0x11, 0x22, 0xF0, 3, 1, 2, 3, 0xF8]))

# --- the sampler's records: see bpf/sampler_wire.h ------------------------------------------------------
def sampler_head(kind: int, of: int = 0, results: tuple = (0, 0)) -> bytes:
    return struct.pack("<4B3IQ", kind, of, *results, 4712, 3, 77, 1000)


def records(*all_of_them: bytes) -> bytes:
    padded = [record + bytes(-len(record) % 8) for record in all_of_them]
    return b"".join(bytes([len(record) // 8]) + record for record in padded)


process = sampler_head(4) + struct.pack("<2Q2I", 5, 99, 4711, 0)
fresh = sampler_head(1, 0, (1, 1)) + struct.pack("<6HI", 1, 2, 1, 2, 6, 10, 0) + struct.pack("<6Q2H", 1, 2, 3, 4, 5, 6, 0, 0)
known = sampler_head(1, 4, (0, 1)) + struct.pack("<6HI", 0, 3, 0, 1, 6, 12, 0) + struct.pack("<Q3H", 7, 10, 0, 11)
write("sampler_record", "stacks", records(process, fresh, known))
write("sampler_record", "exec", records(process, sampler_head(2) + struct.pack("<3Q256s", 0x1000, 0x2000, 7, b"/bin/true")))
write("sampler_record", "weight", records(process, sampler_head(3, 2) + struct.pack("<Q", 1234), sampler_head(3)))

# --- separate debug files and compressed symbols ---------------------------------------------------------
write("debug_link", "link", b"program.debug\0\0\0" + struct.pack("<I", 0x12345678))
write("debug_link", "folder", b"../../etc/passwd\0\0\0\0" + struct.pack("<I", 1))
write("debug_link", "cut", b"program.debug\0\0\0\1")
write("xz", "small", lzma.compress(b"symbols" * 9))
write("xz", "checked", lzma.compress(b"symbols" * 9, check=lzma.CHECK_SHA256, preset=0))
write("xz", "bomb", lzma.compress(bytes(2 << 20), preset=0))
write("xz", "two", lzma.compress(b"one") + lzma.compress(b"two"))

# --- recordings: see agent/recording/format.hpp and recording_fuzzer.cpp -----------------------------

NOTE, STRINGS, FRAMES, STACKS, EVENTS = range(1, 6)
block = lambda kind, payload: struct.pack("<BH", kind, len(payload)) + payload
tables = (block(STRINGS, bytes([2, 7]) + b"handler" + bytes([6]) + b"app.py") + block(FRAMES, bytes([1, 2, 0, 0, 3, 42, 3]))
          + block(STACKS, bytes([1, 2, 2, 2])))
owner = bytes([200, 1, 77, 200, 1, 5, 2])
call = bytes([7, 20]) + owner + bytes([2, 3, 0, 200, 1, 80])
wait = bytes([9 | 0x80, 20, 40, 1, 2])
write("recording", "call", tables + block(EVENTS, bytes([2]) + call + wait))
write("recording", "tables", tables)

# --- call frames: one common entry, one function; see tests/agent/unwind/call_frames_test.cpp --------

entry = lambda body: struct.pack("<I", len(body)) + body
common = entry(struct.pack("<IB", 0, 1) + b"zR\0" + bytes([1, 0x78, 16, 1, 0x1B, 0x0C, 7, 8, 0x90, 1]))
prologue = bytes([0x41, 0x0E, 16, 0x86, 2, 0x43, 0x0D, 6, 0x0A, 0x70, 0x0C, 7, 8, 0xC6, 0x41, 0x0B])
function = entry(struct.pack("<IiIB", len(common) + 4, 0x5000, 0x40, 0) + prologue)
linkage = entry(struct.pack("<IiIB", len(common) + len(function) + 4, 0x6000, 0x40, 0) +
                bytes([0x0F, 11, 0x77, 8, 0x80, 0, 0x3F, 0x1A, 0x3B, 0x2A, 0x33, 0x24, 0x22]))
write("call_frames", "two", common + function + linkage)

# --- files that traced processes share with the agent (runtimes/ring.h) ------------------------------

HEADER, SLOTS, OWNERS, CHUNKS, NAMES, BODIES, EDGES = range(7)


def ring(*writes: tuple[int, int, bytes]) -> bytes:
    """As ring_file_fuzzer.cpp reads it: place, offset in words, words."""
    return b"".join(struct.pack("<BHB", place, word, len(data) // 8) + data for place, word, data in writes)


def ring_header(kind: int, slots: int = 0, names: int = 8, allocations: int = 0, told: int = 0) -> tuple[int, int, bytes]:
    counts = [0] * 17  # from began_ticks on
    counts[5], counts[7] = names, 2
    counts[10], counts[12], counts[13] = allocations, told, told
    return HEADER, 0, struct.pack("<QIIiiIIII17QII", int.from_bytes(b"aatring1", "little"), 1, kind, 7, 0, 1, 2, 2, slots, *counts,
                                  1 if told else 0, 0)


def ring_name(text: bytes, file: bytes, kind: int = 2) -> bytes:
    size = 16 + len(text) + len(file) + 7 & ~7
    return (struct.pack("<IIHHI", size, 3, len(text), len(file), kind) + text + file).ljust(size, b"\0")


NAMED = 1 << 63
HANDLER = ring_name(b"handler", b"/srv/app.py")
SLOT = struct.pack("<IiIIQQQQIII", 1, 7, 1, 2, 2, 2, 0, 0, 1, 1, 1).ljust(128, b"\0")
write("ring_file", "calls", ring(
    ring_header(1, slots=1, names=8 + len(HANDLER)), (NAMES, 1, HANDLER), (SLOTS, 0, SLOT), (OWNERS, 0, struct.pack("<II", 1, 0)),
    (CHUNKS, 0, struct.pack("<QQQII", 100, 900, 1, 1, 0) + struct.pack("<QQQII", 200, 300, 0, 1, 5)),
    (EDGES, 8, struct.pack("<8Q", NAMED | 8, 0, 2, 1, 800, 700, 1, 1)),
    (BODIES, 8, struct.pack("<6QIIQ", 1000, NAMED | 8, 16, 0, 0, 0, 1, 0, 0))))
VALUE = ring_name(b"42", struct.pack("<QII", 500, 0, 3) + b"len(items)", kind=257)
write("ring_file", "values", ring(ring_header(2, slots=1, names=8 + len(VALUE)), (NAMES, 1, VALUE), (SLOTS, 0, SLOT)))
write("ring_file", "allocations", ring(
    ring_header(3, names=8 + len(HANDLER), allocations=6, told=2), (NAMES, 1, HANDLER),
    (BODIES, 6 * 4, struct.pack("<QIIQQQQ", NAMED | 8, 0, 3, 4096, 2, 1024, 0) + struct.pack("<QIIQQQQ", NAMED | 8, 4, 9, 64, 1, 0, 0)),
    (CHUNKS, 0, struct.pack("<QQIIiI", 100, 4000, 4, 2, 7, 0) + struct.pack("<QQIIiI", 300, 160, 5, 1, 7, 0))))
