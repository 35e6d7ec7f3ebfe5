/* watch: expressions that are evaluated whenever a line is reached; their values go into the ring.
 *
 * Only code that has such a line is told line by line: from 3.12 on by events of that code alone, before by a trace
 * function that is there while that code is the innermost one. An expression sees the variables of its frame and
 * module as copies of their names, so it cannot rebind any; what it calls may do what it likes. An exception is the
 * value. Nothing of the program changes: not locals() that it holds, not when its objects die. At most ten values a
 * second and watch are evaluated, each told in some hundred bytes; the rest is counted.
 *
 * Up to 3.10 the call must be less than 1,024 deep. A program's own tracer (up to 3.11) goes first: nothing is seen in
 * the threads that have one.
 * Threads: all with the GIL.
 */
#ifndef AUTOTUNE_RUNTIMES_PYTHON_WATCH_H
#define AUTOTUNE_RUNTIMES_PYTHON_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtimes/python/python_api.h"

extern bool at_watching;                 /* there are any */
extern __thread bool at_watch_evaluates; /* what runs now in this thread is an expression's, not the program's */

/* "42 TAB handler.py TAB len(items)": line, file or end of its path, expression. What is none is left out. */
void at_watch_add(const char *text, size_t length);
void at_watch_clear(void);

/* AT_WATCHED when a watched line belongs to the code object, or 0. */
uint64_t at_watch_tag(at_object *code);

/* The frame has come to the line. */
void at_watch_line(at_object *code, at_object *frame, uint32_t line);

/* Up to 3.11. The trace function; and: the thread enters or leaves a function. */
int at_watch_trace(at_object *self, at_object *frame, int what, at_object *arg);
void at_watch_enter(bool watched);
void at_watch_leave(void);

#endif
