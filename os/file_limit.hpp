// How many files this program may have open: as many as its hard limit says. Its children must not notice.
#pragma once

namespace autotune {

// Programs that watch many others keep descriptors of what these have mapped; the usual soft limit (1,024) ends at some
// twenty containers. Once, while there is one thread.
void raise_file_limit();

// In a child, before exec: the soft limit is what it was before. System calls only; nothing when none was raised.
void restore_file_limit();

}  // namespace autotune
