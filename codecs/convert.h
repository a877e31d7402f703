/* codecs/convert.h - single conversions between numbers that C leaves undefined, done as x86-64 does them.
 * A floating value that the integer type cannot hold becomes the most negative integer of the width that the processor
 * converts to, cut to the type's width.  Pure; usable on any thread. */
#ifndef FH_CODECS_CONVERT_H
#define FH_CODECS_CONVERT_H

#include "codecs/dtype.h"

#include <stdint.h>

static inline bool
convert_f32_fits_i32(float x)
{
    return x >= -2147483648.0f && x < 2147483648.0f;
}

static inline bool
convert_f64_fits_i32(double x)
{
    return x > -2147483649.0 && x < 2147483648.0;
}

static inline bool
convert_f32_fits_i64(float x)
{
    return x >= -9223372036854775808.0f && x < 9223372036854775808.0f;
}

static inline bool
convert_f64_fits_i64(double x)
{
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0;
}

static inline bool
convert_f64_fits_u64(double x)
{
    return x >= -9223372036854775808.0 && x < 18446744073709551616.0;
}

static inline bool
convert_f32_fits_u64(float x)
{
    return convert_f64_fits_u64((double)x);
}

static inline int32_t
convert_f32_i32(float x)
{
    return convert_f32_fits_i32(x) ? (int32_t)x : INT32_MIN;
}

static inline int32_t
convert_f64_i32(double x)
{
    return convert_f64_fits_i32(x) ? (int32_t)x : INT32_MIN;
}

static inline int64_t
convert_f32_i64(float x)
{
    return convert_f32_fits_i64(x) ? (int64_t)x : INT64_MIN;
}

static inline int64_t
convert_f64_i64(double x)
{
    return convert_f64_fits_i64(x) ? (int64_t)x : INT64_MIN;
}

/* Negative values wrap, as they do for the narrower unsigned types. */
static inline uint64_t
convert_f64_u64(double x)
{
    if (x >= 9223372036854775808.0)
        return x < 18446744073709551616.0 ? (uint64_t)x : UINT64_C(1) << 63;
    return (uint64_t)convert_f64_i64(x);
}

static inline uint64_t
convert_f32_u64(float x)
{
    return convert_f64_u64((double)x);
}

#endif
