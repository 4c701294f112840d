/* proxy/sip/lines.py once more, in C: what is done a hundred times for each call. */

#define _GNU_SOURCE /* memmem */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#define MOST_PARAMS 64

static int
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static PyObject *
stripped(const char *from, const char *to)
{
    while (from < to && is_space(*from))
        from++;
    while (to > from && is_space(to[-1]))
        to--;
    return PyBytes_FromStringAndSize(from, to - from);
}

static int
is_bytes(PyObject *one)
{
    if (PyBytes_Check(one))
        return 1;
    PyErr_SetString(PyExc_TypeError, "bytes expected");
    return 0;
}

/* A new tuple of two, whose parts it takes over; NULL where one is NULL. */
static PyObject *
pair(PyObject *first, PyObject *second)
{
    PyObject *made = first != NULL && second != NULL ? PyTuple_New(2) : NULL;
    if (made == NULL) {
        Py_XDECREF(first);
        Py_XDECREF(second);
        return NULL;
    }
    PyTuple_SET_ITEM(made, 0, first);
    PyTuple_SET_ITEM(made, 1, second);
    return made;
}

/* Appends `item`, which it takes over; -1 with an exception upon failure. */
static int
append(PyObject *list, PyObject *item)
{
    int failed = item == NULL ? -1 : PyList_Append(list, item);
    Py_XDECREF(item);
    return failed;
}

/* Takes one line up: 1, or 0 where it is not plain, or -1 with an exception. */
static int
take_line(PyObject *lines, PyObject *names, const char *from, const char *to)
{
    const char *colon = memchr(from, ':', to - from);
    if (colon == NULL || memchr(from, '\n', to - from))
        return 0;
    PyObject *spelling = PyBytes_FromStringAndSize(from, colon - from);
    if (spelling == NULL)
        return -1;
    PyObject *name = PyDict_GetItemWithError(names, spelling);
    Py_DECREF(spelling);
    if (name == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(name);
    return append(lines, pair(name, PyBytes_FromStringAndSize(from, to - from))) < 0 ? -1 : 1;
}

static PyObject *
plain_lines(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !is_bytes(args[0]) || !PyDict_Check(args[1]))
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "bytes and a dict expected");
    const char *from = PyBytes_AS_STRING(args[0]);
    const char *end = from + PyBytes_GET_SIZE(args[0]);
    PyObject *lines = PyList_New(0);
    while (lines != NULL) {
        const char *to = memchr(from, '\r', end - from);
        if (to == NULL)
            to = end;
        int taken = take_line(lines, args[1], from, to);
        if (taken == 1 && to == end)
            return lines;
        if (taken == 1 && to + 1 < end && to[1] == '\n') {
            from = to + 2;
            continue;
        }
        Py_CLEAR(lines);
        if (taken >= 0)
            Py_RETURN_NONE;
    }
    return NULL;
}

/* Puts one space in place of each line end and the white space around it. */
static PyObject *
unfolded(PyObject *value)
{
    const char *from = PyBytes_AS_STRING(value), *end = from + PyBytes_GET_SIZE(value), *to;
    PyObject *made = PyBytes_FromStringAndSize(NULL, end - from);
    if (made == NULL)
        return NULL;
    char *out = PyBytes_AS_STRING(made), *start = out;
    for (;; from = to + 2) {
        for (to = from; to < end && !(to[0] == '\r' && to + 1 < end && to[1] == '\n'); to++)
            ;
        const char *first = from, *last = to;
        while (first < last && is_space(*first))
            first++;
        while (last > first && is_space(last[-1]))
            last--;
        memcpy(out, first, last - first);
        out += last - first;
        if (to == end)
            break;
        *out++ = ' ';
    }
    _PyBytes_Resize(&made, out - start);
    return made;
}

static PyObject *
value_of(PyObject *self, PyObject *raw)
{
    if (!is_bytes(raw))
        return NULL;
    const char *from = PyBytes_AS_STRING(raw), *end = from + PyBytes_GET_SIZE(raw);
    const char *colon = memchr(from, ':', end - from);
    PyObject *value = stripped(colon == NULL ? from : colon + 1, end);
    if (value == NULL || memchr(PyBytes_AS_STRING(value), '\r', PyBytes_GET_SIZE(value)) == NULL)
        return value;
    PyObject *made = unfolded(value);
    Py_DECREF(value);
    return made;
}

static PyObject *
first_value(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyList_Check(args[0]) || !PyBytes_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "a list and bytes expected");
    PyObject *wanted = args[1];
    Py_ssize_t size = PyBytes_GET_SIZE(wanted);
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(args[0]); at++) {
        PyObject *line = PyList_GET_ITEM(args[0], at);
        if (!PyTuple_Check(line) || PyTuple_GET_SIZE(line) != 2)
            return PyErr_Format(PyExc_TypeError, "a line is a name and bytes");
        PyObject *name = PyTuple_GET_ITEM(line, 0);
        if (name == wanted || (PyBytes_Check(name) && PyBytes_GET_SIZE(name) == size &&
                               !memcmp(PyBytes_AS_STRING(name), PyBytes_AS_STRING(wanted), size)))
            return value_of(self, PyTuple_GET_ITEM(line, 1));
    }
    Py_RETURN_NONE;
}

static PyObject *
has(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyBytes_Check(args[0]) || !PyBytes_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "bytes and bytes expected");
    return PyBool_FromLong(memmem(PyBytes_AS_STRING(args[0]), PyBytes_GET_SIZE(args[0]),
                                  PyBytes_AS_STRING(args[1]), PyBytes_GET_SIZE(args[1])) != NULL);
}

static PyObject *
lowered(PyObject *name)
{
    if (name != NULL)
        for (Py_ssize_t at = 0; at < PyBytes_GET_SIZE(name); at++)
            PyBytes_AS_STRING(name)[at] = Py_TOLOWER(PyBytes_AS_STRING(name)[at]);
    return name;
}

static PyObject *
plain_params(PyObject *self, PyObject *data)
{
    if (!is_bytes(data))
        return NULL;
    const char *from = PyBytes_AS_STRING(data), *end = from + PyBytes_GET_SIZE(data), *to;
    if (memchr(from, '"', end - from))
        Py_RETURN_NONE;
    PyObject *found = PyList_New(0);
    for (int parts = 1; found != NULL; parts++, from = to + 1) {
        to = memchr(from, ';', end - from);
        if (to == NULL)
            to = end;
        const char *equals = memchr(from, '=', to - from);
        const char *last = equals == NULL ? to : equals;
        while (from < last && is_space(*from))
            from++;
        if (parts > MOST_PARAMS || (from == last && equals != NULL)) {
            Py_DECREF(found);
            Py_RETURN_NONE;
        }
        /* A name of one byte is shared by all: it must be lower-case before it is made. */
        if (from < last) {
            char small = (char)Py_TOLOWER(*from);
            while (last > from && is_space(last[-1]))
                last--;
            PyObject *name = last - from == 1 ? PyBytes_FromStringAndSize(&small, 1)
                                              : lowered(PyBytes_FromStringAndSize(from, last - from));
            PyObject *value = equals == NULL ? PyBytes_FromStringAndSize(NULL, 0)
                                             : stripped(equals + 1, to);
            if (append(found, pair(name, value)) < 0) {
                Py_DECREF(found);
                return NULL;
            }
        }
        if (to == end)
            break;
    }
    if (found == NULL)
        return NULL;
    PyObject *made = PyList_AsTuple(found);
    Py_DECREF(found);
    return made;
}

/* Whether bytes begin with a word in lower case, whatever theirs is. */
static int
begins(const char *from, const char *end, const char *word)
{
    for (; *word; word++, from++)
        if (from == end || Py_TOLOWER(*from) != *word)
            return 0;
    return 1;
}

/* Whether "auth" stands anywhere: one of each four bytes is looked at, and tells where it begins. */
static PyObject *
has_auth(PyObject *self, PyObject *message)
{
    static const char letter[256] = {
        ['a'] = 1, ['A'] = 1, ['u'] = 2, ['U'] = 2, ['t'] = 3, ['T'] = 3, ['h'] = 4, ['H'] = 4,
    };
    if (!is_bytes(message))
        return NULL;
    const char *from = PyBytes_AS_STRING(message), *end = from + PyBytes_GET_SIZE(message);
    for (const char *at = from + 3; at < end; at += 4) {
        int place = letter[(unsigned char)*at];
        if (place && begins(at - (place - 1), end, "auth"))
            Py_RETURN_TRUE;
    }
    Py_RETURN_FALSE;
}

static int
begins_with_key(const char *line, const char *end)
{
    switch (line < end ? *line : 0) {
    case 'k':
    case 'K':
        return begins(line, end, "k=");
    case 'a':
    case 'A':
        return begins(line, end, "a=crypto:") || begins(line, end, "a=key-") ||
               begins(line, end, "a=ice-pwd:");
    }
    return 0;
}

static PyObject *
has_key_line(PyObject *self, PyObject *message)
{
    if (!is_bytes(message))
        return NULL;
    const char *line = PyBytes_AS_STRING(message), *end = line + PyBytes_GET_SIZE(message);
    for (;;) {
        if (begins_with_key(line, end))
            Py_RETURN_TRUE;
        const char *newline = memchr(line, '\n', end - line);
        if (newline == NULL)
            Py_RETURN_FALSE;
        line = newline + 1;
    }
}

static PyObject *
between(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !PyBytes_Check(args[0]) || !PyBytes_Check(args[1]) || !PyBytes_Check(args[2]))
        return PyErr_Format(PyExc_TypeError, "bytes, bytes and bytes expected");
    const char *from = PyBytes_AS_STRING(args[0]), *end = from + PyBytes_GET_SIZE(args[0]);
    from = memmem(from, end - from, PyBytes_AS_STRING(args[1]), PyBytes_GET_SIZE(args[1]));
    if (from == NULL)
        Py_RETURN_NONE;
    from += PyBytes_GET_SIZE(args[1]);
    end = memmem(from, end - from, PyBytes_AS_STRING(args[2]), PyBytes_GET_SIZE(args[2]));
    if (end == NULL)
        Py_RETURN_NONE;
    return PyBytes_FromStringAndSize(from, end - from);
}

static PyMethodDef functions[] = {
    {"plain_lines", (PyCFunction)(void (*)(void))plain_lines, METH_FASTCALL, NULL},
    {"value_of", value_of, METH_O, NULL},
    {"first_value", (PyCFunction)(void (*)(void))first_value, METH_FASTCALL, NULL},
    {"plain_params", plain_params, METH_O, NULL},
    {"has", (PyCFunction)(void (*)(void))has, METH_FASTCALL, NULL},
    {"has_auth", has_auth, METH_O, NULL},
    {"has_key_line", has_key_line, METH_O, NULL},
    {"between", (PyCFunction)(void (*)(void))between, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "lines", "Header lines and parameters, taken apart.", -1, functions,
};

PyMODINIT_FUNC
PyInit_lines(void)
{
    return PyModule_Create(&module);
}
