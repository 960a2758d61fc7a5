/* Calls in the place of libc's, for a test: the peer of every connection is gone, and who does not say that
 * it can do without the signal gets it, as send(2) has it under MSG_NOSIGNAL and EPIPE. */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>

ssize_t __real_write(int fd, const void *bytes, size_t length);

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags) {
    (void)fd, (void)bytes, (void)length;
    if (!(flags & MSG_NOSIGNAL))
        raise(SIGPIPE);
    errno = EPIPE;
    return -1;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t length) {
    return fd <= 2 ? __real_write(fd, bytes, length) : __wrap_send(fd, bytes, length, 0);
}
