/* proxy/python/native/flags.c - which floating-point flags calls are to report, by NumPy's errstate, and from where
 * they are made.
 *
 * A call is watched under the number of its site: the line of the program, and the errstate in force there.  The last
 * SITES of them are known, found by their hash; flags of those before are not reported.
 */
#include "proxy/python/native/native.h"

#include <string.h>

enum { SITES = 1024, CODES = 256, FRAMES = 64, MODES = 4, MODE_BITS = 3, TAKEN = 32 };

typedef struct site {
    uint64_t number;   /* how many there were with it, modulo SITES its row; 0: none */
    struct site *next; /* of the same hash */
    size_t hash;
    PyObject *code;     /* owned, as all here */
    PyObject *at;       /* the instruction in it: int */
    PyObject *callback; /* of the errstate */
    PyObject *module, *line;
    long errstate;
} site_t;

struct sites {
    site_t rows[SITES], *first[SITES]; /* first: of a hash */
    uint64_t count;
    struct {
        PyObject *code;
        bool own;
    } codes[CODES];                       /* whether they are inside: ours or NumPy's */
    PyObject *token, *decode, *report;    /* of farhand/errstate.py */
    PyObject *folder, *last, *last_state; /* a tuple of paths; what token gave last, and what that means */
    PyObject *f_back, *f_lasti, *f_lineno, *f_globals, *co_filename, *startswith, *name;
};

/* ---- errstate ------------------------------------------------------------------------------------------------------
 */

/* Modes of divide, overflow, underflow and invalid, three bits each; *ret_callback is borrowed.  -1: an exception. */
static long
errstate_now(struct sites *self, PyObject **ret_callback)
{
    PyObject *token = PyObject_CallNoArgs(self->token);
    long modes = -1;
    if (!token)
        return -1;
    if (PyList_Check(token) && PyList_Size(token) == 3) { /* NumPy 1: buffer size, modes, call-back */
        modes = PyLong_AsLong(PyList_GetItem(token, 1));
        *ret_callback = PyList_GetItem(token, 2); /* which NumPy keeps until the errstate changes */
        Py_XDECREF(self->last);
        self->last = token;
        return modes;
    }
    if (token == self->last) {
        Py_DECREF(token);
    } else {
        PyObject *state = PyObject_CallNoArgs(self->decode);
        if (!state || !PyTuple_Check(state) || PyTuple_Size(state) != 2) {
            Py_DECREF(token);
            Py_XDECREF(state);
            return -1;
        }
        Py_XDECREF(self->last);
        Py_XDECREF(self->last_state);
        self->last = token;
        self->last_state = state;
    }
    *ret_callback = PyTuple_GetItem(self->last_state, 1);
    return PyLong_AsLong(PyTuple_GetItem(self->last_state, 0));
}

static unsigned
flags_of(long errstate)
{
    unsigned flags = 0;
    for (int i = 0; i < MODES; i++)
        flags |= errstate >> i * MODE_BITS & ((1 << MODE_BITS) - 1) ? 1u << i : 0;
    return flags;
}

/* ---- sites ---------------------------------------------------------------------------------------------------------
 */

static size_t
hash(const void *pointer)
{
    return (size_t)((uintptr_t)pointer / 16 * UINT64_C(0x9e3779b97f4a7c15) >> 40);
}

static bool
is_own(struct sites *self, PyObject *code)
{
    size_t i = hash(code) % CODES;
    if (self->codes[i].code == code)
        return self->codes[i].own;
    PyObject *file = PyObject_GetAttr(code, self->co_filename);
    PyObject *found = file ? PyObject_CallMethodObjArgs(file, self->startswith, self->folder, NULL) : NULL;
    bool own = found == Py_True;
    Py_XDECREF(file);
    Py_XDECREF(found);
    Py_XDECREF(self->codes[i].code);
    self->codes[i].code = Py_NewRef(code);
    self->codes[i].own = own;
    return own;
}

/* The frame that called what is inside, and its code; both owned.  False: there is none, perhaps with an exception.
 */
static bool
caller(struct sites *self, PyObject **ret_frame, PyObject **ret_code)
{
    PyObject *frame = Py_XNewRef((PyObject *)PyEval_GetFrame());
    for (int i = 0; frame && frame != Py_None && i < FRAMES; i++) {
        PyObject *code = (PyObject *)PyFrame_GetCode((PyFrameObject *)frame);
        if (!is_own(self, code)) {
            *ret_frame = frame;
            *ret_code = code;
            return true;
        }
        PyObject *back = PyObject_GetAttr(frame, self->f_back);
        Py_DECREF(code);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return false;
}

static void
forget(struct sites *self, site_t *site)
{
    for (site_t **at = &self->first[site->hash]; *at; at = &(*at)->next)
        if (*at == site) {
            *at = site->next;
            break;
        }
    Py_CLEAR(site->code);
    Py_CLEAR(site->at);
    Py_CLEAR(site->callback);
    Py_CLEAR(site->module);
    Py_CLEAR(site->line);
    site->number = 0;
}

/* A new site, in the row of the oldest. */
static site_t *
add(struct sites *self, size_t place, PyObject *frame, PyObject *code, PyObject *at, long errstate, PyObject *callback)
{
    PyObject *globals = PyObject_GetAttr(frame, self->f_globals);
    uint64_t number = ++self->count;
    site_t *site = &self->rows[number % SITES];
    forget(self, site);
    site->code = Py_NewRef(code);
    site->at = Py_NewRef(at);
    site->errstate = errstate;
    site->callback = Py_NewRef(callback);
    site->line = PyObject_GetAttr(frame, self->f_lineno);
    site->module = globals ? Py_XNewRef(PyDict_GetItemWithError(globals, self->name)) : NULL;
    if (!site->module) /* code that was made from text, with globals of its own */
        site->module = PyUnicode_FromString("<string>");
    site->number = number;
    site->hash = place;
    site->next = self->first[place];
    self->first[place] = site;
    Py_XDECREF(globals);
    PyErr_Clear(); /* what is not known of a site is not told */
    return site;
}

/* The number of the calling line; 0: unknown. */
static uint64_t
site_now(struct sites *self, long errstate, PyObject *callback)
{
    PyObject *frame = NULL, *code = NULL;
    if (!caller(self, &frame, &code))
        return 0;
    uint64_t number = 0;
    PyObject *at = PyObject_GetAttr(frame, self->f_lasti);
    if (at) {
        long instruction = PyLong_AsLong(at);
        size_t place = (hash(code) + (size_t)instruction / 2 + (size_t)errstate) % SITES;
        site_t *site = self->first[place];
        while (site && (site->code != code || site->errstate != errstate || site->callback != callback ||
                        PyLong_AsLong(site->at) != instruction))
            site = site->next;
        number = (site ? site : add(self, place, frame, code, at, errstate, callback))->number;
    }
    Py_XDECREF(at);
    Py_DECREF(code);
    Py_DECREF(frame);
    return number;
}

void
pyflags_watch(pysession_t *session)
{
    struct sites *self = native_state(session->module)->sites;
    PyObject *callback = NULL;
    if (!self)
        return;
    long errstate = errstate_now(self, &callback);
    unsigned flags = errstate < 0 ? 0 : flags_of(errstate);
    uint64_t number = flags ? site_now(self, errstate, callback) : 0;
    PyErr_Clear(); /* a call that cannot be watched is made all the same */
    (void)fh_session_watch(session->session, number ? flags : 0, number, NULL);
}

/* ---- reports -------------------------------------------------------------------------------------------------------
 */

/* (op, flags, modes, callback, code, line, module) */
static PyObject *
row_of(const struct sites *self, const fh_flags *flags)
{
    const site_t *site = &self->rows[flags->number % SITES];
    if (site->number != flags->number)
        return Py_NewRef(Py_None);
    return Py_BuildValue("(sIlOOOO)", flags->op, flags->flags, site->errstate, site->callback, site->code,
                         site->line ? site->line : Py_None, site->module ? site->module : Py_None);
}

bool
pyflags_collect(pysession_t *session)
{
    struct sites *self = native_state(session->module)->sites;
    fh_flags taken[TAKEN];
    if (!session->session || !fh_session_flags(session->session, NULL, 0))
        return true;
    if (!session->raised)
        session->raised = PyList_New(0);
    for (int n; (n = fh_session_flags(session->session, taken, TAKEN)) > 0;)
        for (int i = 0; i < n && self; i++) {
            PyObject *row = row_of(self, &taken[i]);
            bool kept = row && session->raised && !PyList_Append(session->raised, row);
            Py_XDECREF(row);
            if (!kept)
                return false;
        }
    return true;
}

bool
pyflags_report(pysession_t *session)
{
    struct sites *self = native_state(session->module)->sites;
    PyObject *raised = session->raised;
    if (!raised || !self)
        return true;
    session->raised = NULL;
    PyObject *done = PyObject_CallFunctionObjArgs(self->report, raised, NULL);
    Py_DECREF(raised);
    Py_XDECREF(done);
    return done != NULL;
}

/* ---- life ----------------------------------------------------------------------------------------------------------
 */

int
pyflags_traverse(const struct sites *self, visitproc visit, void *arg)
{
    if (!self)
        return 0;
    Py_VISIT(self->token);
    Py_VISIT(self->decode);
    Py_VISIT(self->report);
    Py_VISIT(self->last);
    Py_VISIT(self->last_state);
    for (int i = 0; i < SITES; i++)
        Py_VISIT(self->rows[i].callback);
    return 0;
}

void
pyflags_destroy(struct sites **self)
{
    struct sites *old = *self;
    *self = NULL;
    if (!old)
        return;
    for (int i = 0; i < SITES; i++)
        forget(old, &old->rows[i]);
    for (int i = 0; i < CODES; i++)
        Py_XDECREF(old->codes[i].code);
    PyObject *all[] = {old->token,       old->decode,     old->report,  old->folder,   old->last,
                       old->last_state,  old->f_back,     old->f_lasti, old->f_lineno, old->f_globals,
                       old->co_filename, old->startswith, old->name};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        Py_XDECREF(all[i]);
    PyMem_Free(old);
}

/* use_errstate(token, decode, report, (folder, ...)): see farhand/errstate.py. */
PyObject *
pyflags_use(PyObject *module, PyObject *args)
{
    native_t *state = native_state(module);
    PyObject *token = NULL, *decode = NULL, *report = NULL, *folder = NULL;
    if (!PyArg_ParseTuple(args, "OOOO!", &token, &decode, &report, &PyTuple_Type, &folder))
        return NULL;
    struct sites *made = PyMem_Calloc(1, sizeof *made);
    if (!made)
        return PyErr_NoMemory();
    made->token = Py_NewRef(token);
    made->decode = Py_NewRef(decode);
    made->report = Py_NewRef(report);
    made->folder = Py_NewRef(folder);
    PyObject **names[] = {&made->f_back,      &made->f_lasti,    &made->f_lineno, &made->f_globals,
                          &made->co_filename, &made->startswith, &made->name};
    static const char *const TEXTS[] = {"f_back",      "f_lasti",    "f_lineno", "f_globals",
                                        "co_filename", "startswith", "__name__"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!(*names[i] = PyUnicode_InternFromString(TEXTS[i]))) {
            pyflags_destroy(&made);
            return NULL;
        }
    pyflags_destroy(&state->sites);
    state->sites = made;
    Py_RETURN_NONE;
}
