/* A program that stands in for farhand-runner and lies.  How is said by the name it was started under: liar-NAME. */
#include "engine/runner/runner_wire.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static void
say(const void *message, size_t size)
{
    if (send(RUNNER_SOCKET_FD, message, size, MSG_NOSIGNAL) < 0)
        _exit(3);
}

static union {
    uint32_t code;
    runner_compile_t compile;
    runner_run_t run;
    runner_load_t load;
} request;

/* The next request, or the end. */
static uint32_t
hear(void)
{
    ssize_t n = recv(RUNNER_SOCKET_FD, &request, sizeof request, 0);
    if (n < 8)
        _exit(0);
    return request.compile.kernel;
}

static void
be_ready(void)
{
    runner_reply_t reply = {.code = RUNNER_READY, .as.ready = {.llvm_major = 22, .llvm = "22.0", .sandbox = "none"}};
    say(&reply, sizeof reply);
}

static runner_reply_t
good_answer(uint32_t kernel)
{
    return (runner_reply_t){
        .code = RUNNER_COMPILED,
        .kernel = kernel,
        .as.compiled.description = {.entry = "one", .nin = 1, .nout = 1, .in = {DTYPE_INT64}, .out = {DTYPE_INT64}}};
}

static void
garbage(void)
{
    char bytes[5000];
    memset(bytes, 0xa5, sizeof bytes);
    say(bytes, sizeof bytes);
}

static void
short_message(void)
{
    say("x", 1);
}

static void
early(void)
{
    runner_reply_t reply = good_answer(1);
    say(&reply, sizeof reply);
}

static void
endless_names(void)
{
    runner_reply_t reply = {.code = RUNNER_READY};
    memset(&reply.as.ready, 'A', sizeof reply.as.ready);
    say(&reply, sizeof reply);
    runner_reply_t answer = good_answer(hear());
    memset(answer.as.compiled.description.entry, 0xff, sizeof answer.as.compiled.description.entry);
    answer.as.compiled.description.nin = 0;
    say(&answer, sizeof answer);
}

static void
ready_twice(void)
{
    be_ready();
    be_ready();
}

static void
refuses(void)
{
    runner_reply_t reply = {.code = RUNNER_READY, .status = 7777};
    memset(reply.text, 'B', sizeof reply.text);
    say(&reply, sizeof reply);
}

static void
many_inputs(void)
{
    be_ready();
    runner_reply_t reply = good_answer(hear());
    reply.as.compiled.description.nin = 1000000;
    say(&reply, sizeof reply);
}

static void
odd_dtypes(void)
{
    be_ready();
    runner_reply_t reply = good_answer(hear());
    reply.as.compiled.description.out[0] = -3;
    say(&reply, sizeof reply);
}

static void
odd_kind(void)
{
    be_ready();
    runner_reply_t reply = good_answer(hear());
    reply.as.compiled.description.kind = 99;
    say(&reply, sizeof reply);
}

static void
other_kernel(void)
{
    be_ready();
    runner_reply_t reply = good_answer(hear() + 1);
    say(&reply, sizeof reply);
}

static void
done_instead(void)
{
    be_ready();
    runner_reply_t reply = good_answer(hear());
    reply.code = RUNNER_DONE;
    say(&reply, sizeof reply);
}

static void
odd_status(void)
{
    be_ready();
    runner_reply_t reply = good_answer(hear());
    reply.status = -123456;
    memset(reply.text, 'C', sizeof reply.text);
    say(&reply, sizeof reply);
}

static void
flood(void)
{
    be_ready();
    hear();
    runner_reply_t reply = {.code = 4711};
    for (;;)
        say(&reply, sizeof reply);
}

static void
closes_and_stays(void)
{
    be_ready();
    hear();
    close(RUNNER_SOCKET_FD);
    for (;;)
        poll(NULL, 0, 1000);
}

/* More machine code than there is room for. */
static void
endless_code(void)
{
    be_ready();
    runner_reply_t reply = good_answer(hear());
    reply.as.compiled.object_bytes = UINT32_MAX;
    reply.as.compiled.description.state_bytes = 1 << 30;
    say(&reply, sizeof reply);
}

/* Says again and again that it has answered, and never does. */
static void
restless(void)
{
    be_ready();
    runner_reply_t reply = good_answer(hear());
    say(&reply, sizeof reply);
    runner_page_t *page = mmap(NULL, RUNNER_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, RUNNER_PAGE_FD, 0);
    if (page == MAP_FAILED)
        _exit(4);
    for (;;) {
        page->answered++;
        page->done = page->total + 5;
        page->cancel = 0;
        poll(NULL, 0, 1);
    }
}

/* Dies of machine code from the disk, compiles well. */
static void
loads_badly(void)
{
    be_ready();
    runner_reply_t reply = good_answer(hear());
    if (request.code == RUNNER_LOAD)
        _exit(5);
    reply.as.compiled.object_bytes = 4096;
    say(&reply, sizeof reply);
}

/* Last words without an end. */
static void
dies_babbling(void)
{
    be_ready();
    hear();
    runner_page_t *page = mmap(NULL, RUNNER_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, RUNNER_PAGE_FD, 0);
    if (page != MAP_FAILED)
        memset(page, 0xee, sizeof *page);
    _exit(1);
}

static const struct {
    const char *name;
    void (*lie)(void);
} LIES[] = {
    {"garbage", garbage},   {"short", short_message},     {"early", early},           {"names", endless_names},
    {"twice", ready_twice}, {"refuses", refuses},         {"inputs", many_inputs},    {"dtypes", odd_dtypes},
    {"kind", odd_kind},     {"kernel", other_kernel},     {"done", done_instead},     {"status", odd_status},
    {"flood", flood},       {"closes", closes_and_stays}, {"babbles", dies_babbling}, {"code", endless_code},
    {"restless", restless}, {"loads", loads_badly},
};

int
main(void)
{
    const char *path = (const char *)getauxval(AT_EXECFN), *name = path ? strrchr(path, '-') : NULL;
    for (size_t i = 0; name && i < sizeof LIES / sizeof *LIES; i++)
        if (!strcmp(name + 1, LIES[i].name)) {
            LIES[i].lie();
            for (;;)
                hear();
        }
    return 9;
}
