/* The headers are C as well: this only has to compile and to say what C sees. */
#include "runtimes/ring_process.h"

unsigned long ring_bytes_in_c(void) { return AT_RING_BYTES; }
