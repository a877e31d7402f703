/* engine/pyhost/pyhost.h - the built-in module _pyhost: the channel and mapped arrays as Python objects.
 *
 * What is done with calls is in the Python files, which host.py leads; here are only bytes.  Thread rule: under the
 * GIL; receive and want let go of it while they wait, and only the main thread calls them. */
#ifndef FH_ENGINE_PYHOST_PYHOST_H
#define FH_ENGINE_PYHOST_PYHOST_H

#define PY_SSIZE_T_CLEAN
#include "engine/pyhost/channel.h"

#include <Python.h>

PyMODINIT_FUNC PyInit__pyhost(void);
/* The program's one channel; call it before the module is imported. */
void pyhost_use(channel_t *channel);
/* Raise the exception that fits; returns NULL. */
PyObject *pyhost_raise(const err_t *err);

/* ---- mapping.c: memory that the engine has lent, with a buffer
 * -------------------------------------------------------
 */

typedef enum { MAPPING_SEEN, MAPPING_PRIVATE, MAPPING_SHARED } mapping_kind_t;

extern PyTypeObject pyhost_mapping_type;
/* Map a file: SEEN is read-only, PRIVATE is copied where it is written, SHARED is for results.  Takes fd in any case.
 * pin: what the engine is told when the mapping is gone; 0: nothing. */
PyObject *pyhost_mapping_new(int fd, int64_t size, uint32_t pin, mapping_kind_t kind);
/* Tell the engine of mappings that are gone.  False with an exception. */
bool pyhost_mapping_tell(channel_t *channel);

/* ---- rings.c: calls through the client's rings
 * -------------------------------------------------------------------------------------------
 */

/* Methods of the module. */
PyObject *pyhost_ring(PyObject *module, PyObject *number);
PyObject *pyhost_reply(PyObject *module, PyObject *args);
PyObject *pyhost_forked(PyObject *module, PyObject *none);

/* ---- requests.c, answers.c
 * -------------------------------------------------------------------------------------------
 */

/* The requests of a datagram as a list of tuples.  Takes the datagram. */
PyObject *pyhost_requests(datagram_t *datagram);
/* A call that came through the client's rings, in such a list; an empty one if it has gone. */
PyObject *pyhost_direct_requests(channel_t *channel);
/* Methods of the module. */
PyObject *pyhost_answer(PyObject *module, PyObject *args);
PyObject *pyhost_want(PyObject *module, PyObject *args);
channel_t *pyhost_channel(void);

#endif
