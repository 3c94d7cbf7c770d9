/* kt verify --contract kubetwin: does what was trained or exported suit the simulator? */
#ifndef KT_APP_VERIFY_CONTRACT_H
#define KT_APP_VERIFY_CONTRACT_H

#include "command.h"

typedef struct {
    int branch; /* of VERIFY_BRANCHES */
    const char *rps, *rep;
    kt_texts services, workers;
    bool json;
} contract_wishes;
#define VERIFY_BRANCHES "auto|" KT_BRANCH_CHOICES

/* Prints a line for each check that does not hold; then KT_INPUT. path: an archive, a run, a folder or file
 * that kt export wrote. */
kt_status verify_contract(const contract_wishes *wishes, const char *const *paths, size_t n, kt_error *err);

#endif
