/* poll(2) in the place of libc's, for a test: a signal interrupts each wait just before its time is over, and
 * the process runs again only after it. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

int __real_poll(struct pollfd *asked, nfds_t count, int timeout);

int __wrap_poll(struct pollfd *asked, nfds_t count, int timeout) {
    int ready = __real_poll(asked, count, timeout);
    if (ready != 0 || timeout == 0)
        return ready;
    usleep(5000);
    errno = EINTR;
    return -1;
}
