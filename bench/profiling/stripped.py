"""Libraries as Debian has them, for rows that are about those."""
import os
import sys


def hide_debug_files():
    """Debian's libraries are stripped; who has their debug packages must not see more than others. Runs this program anew, in a mount
    namespace in which they are hidden, so that all that it starts is in the same."""
    if "DEBUG_FILES_HIDDEN" in os.environ:
        return
    hide = 'for d in /usr/lib/debug; do [ -d $d ] && mount -t tmpfs none $d; done; DEBUG_FILES_HIDDEN=1 exec "$@"'
    os.execvp("unshare", ["unshare", "--mount", "sh", "-c", hide, "sh", sys.executable, *sys.argv])
