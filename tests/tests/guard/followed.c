/* Loaded before a front that is counted under valgrind, and its host process, so that both are counted.
 *
 * The front starts itself anew by /proc/self/exe, which is valgrind's own there; it ends its host process
 * by a signal that leaves valgrind no time to say what it counted; and it does not wait long for that end,
 * with which its own would come. A host process whose system calls are filtered could not say it either:
 * it gets no filter, as on a system that has none. It takes fifty times the processor time that it would
 * take, for which the front would look at it ten times as often, the more the longer a send takes beside other
 * work, and have it stand behind all other processes: how much it took can't be seen, and it stays where it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
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
    Dl_info here;
    if (!counted || strcmp(file, "/proc/self/exe") || !dladdr((void *)posix_spawnp, &here))
        return next(process, file, actions, attributes, arguments, environment);
    char preload[4096];
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", here.dli_fname);
    char *const followed[] = {preload, NULL};
    return next(process, counted, actions, attributes, arguments, followed);
}

int kill(pid_t process, int signal)
{
    kill_function *next = (kill_function *)dlsym(RTLD_NEXT, "kill");
    return next(process, signal == SIGKILL ? SIGTERM : signal);
}

int sched_setscheduler(pid_t thread, int policy, const struct sched_param *parameter)
{
    (void)thread, (void)policy, (void)parameter;
    return 0;
}

int clock_getcpuclockid(pid_t process, clockid_t *clock)
{
    (void)process, (void)clock;
    return ENOSYS;
}

int prctl(int option, ...)
{
    if (option == PR_SET_SECCOMP) {
        errno = EINVAL;
        return -1;
    }
    va_list given;
    unsigned long values[4];
    va_start(given, option);
    for (int at = 0; at < 4; at++)
        values[at] = va_arg(given, unsigned long);
    va_end(given);
    return syscall(SYS_prctl, option, values[0], values[1], values[2], values[3]);
}

__attribute__((destructor)) static void wait_for_children(void)
{
    alarm(60);
    while (wait(NULL) > 0)
        ;
}
