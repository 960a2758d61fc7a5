/* A send(2) in the place of libc's, for a test: it takes 7 bytes at most, and every other time it has no room. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags) {
    static int calls;
    if (calls++ % 2 == 1) {
        errno = EAGAIN;
        return -1;
    }
    return __real_send(fd, bytes, length < 7 ? length : 7, flags);
}
