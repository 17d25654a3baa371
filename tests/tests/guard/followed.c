/* Loaded before a front that is counted under valgrind, so that its host process is counted, too.
 *
 * The front starts itself anew by /proc/self/exe, which is valgrind's own there; it ends its host
 * process by a signal that leaves valgrind no time to say what it counted; and it does not wait long for
 * that end, with which its own would come. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int spawn_function(pid_t *, const char *, const posix_spawn_file_actions_t *,
                           const posix_spawnattr_t *, char *const[], char *const[]);
typedef int kill_function(pid_t, int);

int posix_spawnp(pid_t *process, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const arguments[],
                 char *const environment[])
{
    spawn_function *next = (spawn_function *)dlsym(RTLD_NEXT, "posix_spawnp");
    const char *counted = getenv("COUNTED");
    if (counted && !strcmp(file, "/proc/self/exe"))
        file = counted;
    return next(process, file, actions, attributes, arguments, environment);
}

int kill(pid_t process, int signal)
{
    kill_function *next = (kill_function *)dlsym(RTLD_NEXT, "kill");
    return next(process, signal == SIGKILL ? SIGTERM : signal);
}

__attribute__((destructor)) static void wait_for_children(void)
{
    alarm(60);
    while (wait(NULL) > 0)
        ;
}
