/* Long work pauses every few milliseconds, so that whoever had it done can see to something else meanwhile:
 * answer another rank, hear that all is to stop. Work does not know for whom it pauses: a process has one
 * pauser, and libraries whose callers want none go on at once. Pauses are taken by one thread, and not within
 * each other. */
#ifndef KT_PAUSE_H
#define KT_PAUSE_H

#include "kt/error.h"
#include <stdbool.h>

/* call: is what is under way to be given up? Asked a millisecond or so after it was asked last. NULL: none.
 */
typedef struct {
    bool (*call)(void *context);
    void *context;
} kt_pauser;

/* Returns the one before, to which the caller goes back. */
kt_pauser kt_pause_with(kt_pauser pauser);

/* In work that has to come to its end, some milliseconds of computing apart or less; costs a look at the
 * clock. */
void kt_pause(void);

/* The same in innermost loops and in comparisons of a sort: at each 4,096th time that it comes here. */
#define KT_PAUSE_OFTEN()                                                                                     \
    do {                                                                                                     \
        static unsigned kt_passed;                                                                           \
        if (++kt_passed % 4096 == 0)                                                                         \
            kt_pause();                                                                                      \
    } while (0)

/* In work that may be given up: KT_STOPPED where it is to be. */
kt_status kt_go_on(kt_error *err);

#endif
