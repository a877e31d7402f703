/* engine/offers.h - what an engine offers to calls that ask for it: tags, and amounts of resources. */
#ifndef FH_ENGINE_OFFERS_H
#define FH_ENGINE_OFFERS_H

#include "base/err.h"

#include <stddef.h>

enum { OFFERS_MAX = 255 };

/* "big,fast" and "gpu=2,disk=0.5" together, as ANNOUNCE has them: "big,fast,gpu=2,disk=0.5".  Either may be empty.
 * Names have letters, digits and . _ - : and amounts are above zero; else INVALID_ARGUMENT, as above OFFERS_MAX bytes.
 */
int offers_join(const char *tags, const char *resources, char ret[OFFERS_MAX + 1], err_t *err);

#endif
