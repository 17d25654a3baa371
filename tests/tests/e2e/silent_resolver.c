/* Loaded before a front: names that end in ".silent.example" never resolve, as with a resolver whose servers are
 * silent. Each such look-up is a byte in the file that $LOOK_UPS names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int getaddrinfo_function(const char *, const char *, const struct addrinfo *,
                                 struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    const char *end = name ? strstr(name, ".silent.example") : NULL;
    if (!end) {
        getaddrinfo_function *next = (getaddrinfo_function *)dlsym(RTLD_NEXT, "getaddrinfo");
        return next(name, service, hints, found);
    }
    int file = open(getenv("LOOK_UPS"), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (write(file, ".", 1) != 1)
        abort();
    for (;;)
        pause();
}
