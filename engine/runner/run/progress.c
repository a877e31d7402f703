#include "engine/runner/run/progress.h"

#include <stdatomic.h>

enum { MILLION = 1000000 };

static runner_page_t *page; /* of the running call; NULL: none */
static uint32_t serial;
static atomic_bool told; /* the kernel itself says how far it is */

void
progress_begin(runner_page_t *its_page, uint32_t its_serial, uint64_t total)
{
    serial = its_serial;
    page = its_page;
    atomic_store_explicit(&told, false, memory_order_relaxed);
    if (!page)
        return;
    atomic_store_explicit(&page->done, 0, memory_order_relaxed);
    atomic_store_explicit(&page->total, total, memory_order_relaxed);
}

void
progress_end(void)
{
    progress_begin(page, 0, 0);
    page = NULL;
}

void
progress_add(int64_t elements)
{
    if (page && !atomic_load_explicit(&told, memory_order_relaxed))
        atomic_fetch_add_explicit(&page->done, (uint64_t)elements, memory_order_relaxed);
}

bool
progress_stopped(void)
{
    return page && serial && atomic_load_explicit(&page->cancel, memory_order_relaxed) == serial;
}

void
farhand_progress(double fraction)
{
    if (!page)
        return;
    double inside = fraction > 0 ? fraction < 1 ? fraction : 1 : 0; /* NaN compares with nothing */
    atomic_store_explicit(&told, true, memory_order_relaxed);
    atomic_store_explicit(&page->total, MILLION, memory_order_relaxed);
    atomic_store_explicit(&page->done, (uint64_t)(inside * (double)MILLION), memory_order_relaxed);
}
