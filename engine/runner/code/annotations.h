/* engine/runner/code/annotations.h - what a module itself says of its kernels: annotations "farhand: SIGNATURE" of
 * functions (FH_SIGNATURE of farhand_kernel.h), and named metadata !farhand.kernels = !{!{!"entry", !"signature",
 * !"kind", !"layout"}, ...} whose later texts may be missing.  Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_ANNOTATIONS_H
#define FH_ENGINE_RUNNER_CODE_ANNOTATIONS_H

#include "engine/kernel.h"

#include <llvm-c/Core.h>

enum { ANNOTATIONS_MAX = 64 }; /* more are passed over */

typedef struct {
    char entry[KERNEL_NAME_MAX], signature[KERNEL_NAME_MAX], kind[16], layout[KERNEL_LAYOUT_MAX];
} annotation_t;

typedef struct {
    int count;
    annotation_t items[ANNOTATIONS_MAX];
} annotations_t;

void annotations_read(LLVMModuleRef module, annotations_t *ret);
/* NULL: nothing is said of that function. */
const annotation_t *annotations_find(const annotations_t *self, const char *entry);

#endif
