/* A client for the gauntlet: one thread, and poll(2) tells which connection is worth a try.
 * `cargo run --bin peers -- --help` has the task in full. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STREAMS 5
#define REQUEST 64

/* A connection with its one request and the reply to it. */
struct connection {
    int fd;          /* does not block; -1 when its reply is told */
    char request[REQUEST];
    size_t length;   /* of the request */
    size_t sent;     /* of it */
    char *reply;     /* what has come */
    size_t received;
    size_t room;     /* for the reply, in bytes */
};

/* What a body to write says. */
__attribute__((unused, noreturn)) static void todo(const char *what) {
    fprintf(stderr, "not yet implemented: %s\n", what);
    exit(101);
}

/* Says why, and ends with 1. */
__attribute__((noreturn)) static void fail(const char *why) {
    perror(why);
    exit(1);
}

/* Milliseconds on a clock that nobody sets. */
static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* A number from the environment, as the gauntlet sets it. */
static long number(const char *name) {
    const char *value = getenv(name);
    if (!value) {
        fprintf(stderr, "%s is not set: run this through the gauntlet\n", name);
        exit(2);
    }
    return strtol(value, NULL, 10);
}

/* Connects to PEER for request n, of which nothing is sent. */
static void open_connection(struct connection *c, int n) {
    struct sockaddr_in peer = {.sin_family = AF_INET};
    const char *port = strchr(getenv("PEER") ? getenv("PEER") : "", ':');
    peer.sin_port = htons((unsigned short)(port ? atoi(port + 1) : 0));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd == -1 || connect(c->fd, (struct sockaddr *)&peer, sizeof peer) == -1)
        fail("connect");
    if (fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK) == -1)
        fail("fcntl");
    c->length = (size_t)snprintf(c->request, REQUEST, "GET /0/request-%d HTTP/1.1\r\n\r\n", n);
}

/* Room for a read after what has come: at least 4096 bytes, c->room - c->received in all. */
static char *room(struct connection *c) {
    if (c->room - c->received < 4096) {
        c->room = c->room * 2 + 8192;
        c->reply = realloc(c->reply, c->room);
        if (!c->reply)
            fail("realloc");
    }
    return c->reply + c->received;
}

/* Whether the reply is whole: by its Content-Length, or, where it has none, by the end of the connection.
 * Then *body and *length say where the body is. */
static bool is_whole(const struct connection *c, bool ended, const char **body, size_t *length) {
    const char *end = c->received ? memmem(c->reply, c->received, "\r\n\r\n", 4) : NULL;
    if (!end)
        return false;
    *body = end + 4;
    *length = c->received - (size_t)(*body - c->reply);
    for (const char *line = c->reply; line < end;) {
        const char *next = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (strncasecmp(line, "content-length:", 15) == 0) {
            size_t told = strtoul(line + 15, NULL, 10);
            bool whole = *length >= told;
            *length = told;
            return whole;
        }
        line = next ? next + 2 : end;
    }
    return ended;
}

/* Writes a reply to stdout, as the gauntlet reads it. */
static void tell(int n, const char *body, size_t length) {
    printf("%d %zu\n", n, length);
    fwrite(body, 1, length, stdout);
    putchar('\n');
}

/* Sends what is unsent and takes in what has come, as far as that goes without waiting. Tells the reply
 * as request n as soon as it is whole, closes the connection, and sets its fd to -1; nothing more is read
 * then. Ends with fail() if the reply can't become whole any more. */
static void go_on(struct connection *c, int n) {
    // FORK gauntlet: send and read until the socket would block, or the reply is whole and told
    // HINT: `cargo run --bin peers -- --list` says of each peer in which pieces it sends. What must not
    //   be taken for the end of a reply?
    // HINT: read(2) under RETURN VALUE and ERRORS: which results mean *later*, which *again*, which *the
    //   end*? Which of them is news for is_whole?
    // HINT: A send may take a part. What is left then, and who says when to go on? And what does write(2) do
    //   to a process whose peer is gone, that send(2) with MSG_NOSIGNAL does not?
    // HINT: Two loops, one after the other. EAGAIN ends each, EINTR neither. The second asks is_whole after
    //   each read, that of 0 bytes too, and ends as soon as it says yes.
    while (c->sent < c->length) {
        ssize_t sent = send(c->fd, c->request + c->sent, c->length - c->sent, MSG_NOSIGNAL);
        if (sent >= 0)
            c->sent += (size_t)sent;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno != EINTR)
            fail("send");
    }
    for (;;) {
        char *to = room(c);
        ssize_t got = read(c->fd, to, c->room - c->received);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (got == -1)
            fail("read");
        c->received += (size_t)got;
        const char *body;
        size_t length;
        if (is_whole(c, got == 0, &body, &length)) {
            tell(n, body, length);
            close(c->fd);
            c->fd = -1;
            return;
        }
        if (got == 0) {
            errno = ECONNRESET;
            fail("the reply ends too early");
        }
    }
}

/* Tells all replies. Returns 0; or 1 when replies are missing and the patience, in milliseconds from
 * this call, is over. */
static int collect(struct connection *all, long patience) {
    // FORK gauntlet: sleep in poll(2), go on with what is ready, until every reply is told or the patience
    //   is over
    // HINT: Two of the peers never reply. What ends your loop there, and how long does it sleep until then?
    // HINT: poll(2), under DESCRIPTION: what does it do with a negative fd? And what would it say, again and
    //   again, of an open one whose peer has closed?
    // HINT: A loop: fill the array, POLLIN for each, and POLLOUT where something is unsent; what is left
    //   of the patience, or give up; poll; go_on for each whose revents is not 0; stop when all are told.
    long deadline = now() + patience;
    for (;;) {
        struct pollfd asked[STREAMS];
        int missing = 0;
        for (int n = 0; n < STREAMS; n++) {
            short room = all[n].sent < all[n].length ? POLLOUT : 0;
            asked[n] = (struct pollfd){.fd = all[n].fd, .events = POLLIN | room};
            missing += all[n].fd != -1;
        }
        if (missing == 0)
            return 0;
        long left = deadline - now();
        if (left <= 0)
            return 1;
        if (poll(asked, STREAMS, (int)left) == -1 && errno != EINTR)
            fail("poll");
        for (int n = 0; n < STREAMS; n++)
            if (asked[n].fd != -1 && asked[n].revents != 0)
                go_on(&all[n], n);
    }
}

int main(void) {
    static struct connection all[STREAMS];
    long patience = number("PATIENCE_MS");
    for (int n = 0; n < STREAMS; n++)
        open_connection(&all[n], n);
    int ended = collect(all, patience);
    if (ended != 0)
        fprintf(stderr, "gave up: replies are missing\n");
    if (fflush(stdout) != 0)
        fail("stdout");
    return ended;
}
