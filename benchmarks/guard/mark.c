/* Tells callgrind when to count. Outside valgrind these do nothing. */
#include <valgrind/callgrind.h>

void mark_begin(void) {
    CALLGRIND_START_INSTRUMENTATION;
}

void mark_zero(void) {
    CALLGRIND_ZERO_STATS;
}

void mark_dump(const char *name) {
    CALLGRIND_DUMP_STATS_AT(name);
}
