/* Which engines get which pieces of what is scattered. */
#include "proxy/scatter.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ENGINES = 4096 };

static int
named_engines(fh_session *session, const fh_scatter_options *options, engine_link_t **ret, err_t *err)
{
    for (int i = 0; i < options->nengines; i++) {
        oid_t id;
        char text[OID_TEXT_SIZE];
        memcpy(id.bytes, options->engines[i].bytes, sizeof id.bytes);
        ret[i] = session_engine(session, id);
        if (!ret[i] && broker_link_list_engines(session, NULL) == FH_OK)
            ret[i] = session_engine(session, id);
        if (!ret[i])
            return err_set(err, FH_NO_SUCH_OBJECT, "there is no engine %s in the cluster", oid_format(id, text));
        if (ret[i]->lost)
            return engine_link_lost_error(ret[i], err);
    }
    return FH_OK;
}

/* The engines to use, in order; *ret is malloc'ed. */
static int
choose_engines(fh_session *session, const fh_scatter_options *options, bool whole, engine_link_t ***ret, int *ret_n,
               err_t *err)
{
    bool named = options->engines && options->nengines > 0;
    int n = named ? options->nengines : session_ready_engines(session, NULL, 0), status = FH_OK;
    if (n > MAX_ENGINES && named)
        return err_set(err, FH_INVALID_ARGUMENT, "%d engines are more than %d", n, (int)MAX_ENGINES);
    engine_link_t **engines = calloc(n > 0 ? (size_t)n : 1, sizeof *engines);
    if (!engines)
        return err_set(err, FH_NO_MEMORY, "no memory to choose among %d engines", n);
    if (named)
        status = named_engines(session, options, engines, err);
    else if (whole || n == 0)
        status = session_emptiest(session, &engines[0], err);
    else
        session_ready_engines(session, engines, n);
    if (status) {
        free(engines);
        return status;
    }
    *ret = engines;
    *ret_n = n;
    return FH_OK;
}

int
scatter_layout(fh_session *session, const shape_t *shape, const fh_scatter_options *options, layout_t *ret, err_t *err)
{
    fh_scatter_options defaults = {0};
    if (!options)
        options = &defaults;
    int axis = -1, n = 0, status;
    bool whole = options->axis == FH_WHOLE || shape->ndim == 0;
    if (!whole) {
        status = shape_axis(options->axis, shape->ndim, &axis, err);
        if (status)
            return status;
        whole = options->blocksize == 0 && shape->extent[axis] <= 1;
    }
    engine_link_t **engines = NULL;
    session_glance(session);
    for (int i = 0; i < session->nengines; i++)
        engine_link_check(session->engines[i]);
    status = choose_engines(session, options, whole, &engines, &n, err);
    if (status)
        return status;
    status = whole ? layout_single(ret, engines[0], err)
                   : layout_split(ret, axis, shape->extent[axis], options->blocksize, engines, n, err);
    free(engines);
    return status;
}
