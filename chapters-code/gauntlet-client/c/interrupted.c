/* Calls in the place of libc's, for a test: a signal interrupts the first of each kind, and then every fourth. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>

ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __real_read(int fd, void *into, size_t room);
ssize_t __real_recv(int fd, void *into, size_t room, int flags);
int __real_poll(struct pollfd *asked, nfds_t count, int timeout);

static int interrupted(int *calls) {
    errno = EINTR;
    return (*calls)++ % 4 == 0;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags) {
    static int calls;
    return interrupted(&calls) ? -1 : __real_send(fd, bytes, length, flags);
}

ssize_t __wrap_read(int fd, void *into, size_t room) {
    static int calls;
    return interrupted(&calls) ? -1 : __real_read(fd, into, room);
}

ssize_t __wrap_recv(int fd, void *into, size_t room, int flags) {
    static int calls;
    return interrupted(&calls) ? -1 : __real_recv(fd, into, room, flags);
}

int __wrap_poll(struct pollfd *asked, nfds_t count, int timeout) {
    static int calls;
    return interrupted(&calls) ? -1 : __real_poll(asked, count, timeout);
}
