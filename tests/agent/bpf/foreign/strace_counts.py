"""What strace saw of a run, and what the source told of it, in the same words: tid → op → [calls, bytes]."""
import re

# What strace calls it → what we do; "read" and "write" are receive and send on sockets.
OPS = {"read": "read", "pread64": "read", "readv": "read", "preadv": "read", "preadv2": "read", "recvfrom": "read",
       "recvmsg": "read", "write": "write", "pwrite64": "write", "writev": "write", "pwritev": "write",
       "pwritev2": "write", "sendto": "write", "sendmsg": "write", "sendfile": "move", "splice": "move",
       "copy_file_range": "move", "connect": "connect", "accept": "accept", "accept4": "accept", "open": "open",
       "openat": "open", "creat": "open", "close": "close", "fsync": "sync", "fdatasync": "sync",
       "sync_file_range": "sync", "sync": "sync", "syncfs": "sync", "msync": "sync", "mmap": "map",
       "getdents64": "list", "mkdir": "mkdir", "mkdirat": "mkdir", "unlink": "remove", "unlinkat": "remove",
       "rmdir": "remove", "rename": "rename", "renameat": "rename", "renameat2": "rename", "link": "link",
       "linkat": "link", "symlink": "link", "symlinkat": "link", "truncate": "resize", "ftruncate": "resize",
       "fallocate": "resize", "execve": "exec"}
CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+|0x[0-9a-f]+|\?)(<.*>)?(?: (E\w+))?")
DESCRIPTOR = re.compile(r"(?:AT_FDCWD|-?\d+)<")
BYTES = {"read", "receive", "write", "send", "list", "map"}


def kind(text):
    """Of an argument like `5<TCP:[127.0.0.1:80->…]>`: socket, other (epoll, event …), or file."""
    inside = text.partition("<")[2]
    if re.match(r"(TCP|UDP|UNIX|NETLINK|socket|RAW)\b", inside):
        return "socket"
    return "other" if inside.startswith("anon_inode:") or not inside else "file"


def arguments(text):
    """Split at the commas that are in no brackets."""
    parts, depth, at = [], 0, 0
    quoted = False
    for i, c in enumerate(text):
        if c == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif c in "<[{(" :
            depth += 1
        elif c in ">]})" and not (c == ">" and text[i - 1] == "-"):
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[at:i].strip())
            at = i + 1
    return parts + [text[at:].strip()]


class Counted(dict):
    """Op → [calls, bytes], of calls that succeeded."""

    def add(self, op, result):
        entry = self.setdefault(op, [0, 0])
        entry[0] += 1
        entry[1] += result if op in BYTES else 0


def at_end(what, op):
    """The op on a descriptor of that kind; None when it is not told."""
    if what == "other":
        return None
    return {"read": "receive", "write": "send"}[op] if what == "socket" else op


def seen_by_strace(logs):
    """Tid → Counted."""
    seen = {}
    for log in logs.iterdir():
        counted = seen.setdefault(int(log.suffix[1:]), Counted())
        for line in log.read_text(errors="replace").splitlines():
            call = CALL.match(line)
            if not call or call[3] == "?":
                continue
            name, given, result = call[1], arguments(call[2]), int(call[3], 0)
            op = OPS[name]
            if op == "exec" or "MSG_PEEK" in line or "MSG_ERRQUEUE" in line:
                continue
            if op == "connect" and call[5] == "EINPROGRESS":
                result = 0  # told when it is done; on the loopback that is at once
            if result < 0:
                continue
            if op in ("read", "write"):
                op = at_end(kind(given[0]), op)
            elif op == "move":
                out, source = (given[0], given[1]) if name == "sendfile" else (given[2], given[0])
                for end, each in ((out, "write"), (source, "read")):
                    if at_end(kind(end), each):
                        counted.add(at_end(kind(end), each), result)
                continue
            elif op == "close" and (kind(given[0]) != "file" or "pipe:[" in given[0]):
                continue
            elif op == "map":
                if not DESCRIPTOR.match(given[4]) or "MAP_ANONYMOUS" in given[3]:
                    continue
                result = int(given[1], 0)
            if op:
                counted.add(op, result)
    return seen


def told(sums, skip_program=None):
    """The same of what the source told. `skip_program`: (pid, program) that strace did not see."""
    found = {}
    for entry in sums["threads"]:
        if (entry["pid"], entry["program"]) == skip_program or not entry["calls"]:
            continue
        both = found.setdefault(entry["tid"], Counted()).setdefault(entry["op"], [0, 0])
        both[0] += entry["calls"]
        both[1] += entry["bytes"] if entry["op"] in BYTES else 0
    return found
