#include "proxy/moved.h"

enum { FIRST_MS = 1000, EVERY_MS = 100 };

void
moved_begin(fh_session *session)
{
    session->moved_due_ns = clock_now_ns() + (int64_t)FIRST_MS * 1000000;
    session->moved_told = false;
}

void
moved_tell(fh_session *session, int64_t moved, int64_t bytes)
{
    int64_t now = clock_now_ns();
    if (!session->progress || now < session->moved_due_ns)
        return;
    session->moved_due_ns = now + (int64_t)EVERY_MS * 1000000;
    session->moved_told = true;
    session->progress(session->progress_context, moved, bytes);
}

void
moved_end(fh_session *session, bool whole, int64_t bytes)
{
    if (session->moved_told)
        session->progress(session->progress_context, whole ? bytes : -1, bytes);
    session->moved_told = false;
}
