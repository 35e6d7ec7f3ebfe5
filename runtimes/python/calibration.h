/* calibration: what the hook costs on this interpreter, measured where it will work.
 *
 * Calls a function that does nothing some thousand times, without the hook and with it, writing to a ring that
 * nobody reads: about a millisecond. A call's duration is that of its body: the empty function's is taken for zero.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_CALIBRATION_H
#define AUTOTUNE_RUNTIMES_PYTHON_CALIBRATION_H

#include "runtimes/python/hook.h"
#include "runtimes/python/recorder.h"

/* With the GIL, after the recorder is started, before it is opened. Zero where it cannot be measured. */
struct at_bias at_measure_bias(const struct at_hook *hook);

#endif
