/* The tables of codes and dtypes, for programs that do not see ours. */
#include "codecs/dtype.h"
#include "proxy/error.h"

/* The public numbers are those of the table, and none is missing. */
#define STATUS(name, number, pyclass, builtin, text) _Static_assert(FH_STATUS_##name == (number), #name);
#include "base/status.def"
#undef STATUS

const char *
fh_version(void)
{
    return FARHAND_VERSION;
}

const char *
fh_status_name(int status)
{
    return status_name(status);
}

const char *
fh_status_text(int status)
{
    return status_text(status);
}

const char *
fh_status_python_class(int status)
{
    return status_python_class(status);
}

const char *
fh_status_python_builtin(int status)
{
    return status_python_builtin(status);
}

int
fh_status_at(int i)
{
    return status_at(i);
}

size_t
fh_dtype_size(fh_dtype dtype)
{
    return dtype_known((uint64_t)dtype) ? dtype_size((dtype_t)dtype) : 0;
}

const char *
fh_dtype_name(fh_dtype dtype)
{
    return dtype_known((uint64_t)dtype) ? dtype_name((dtype_t)dtype) : "";
}

fh_dtype
fh_dtype_from_name(const char *name)
{
    return (fh_dtype)dtype_from_name(name);
}
