/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command and says on file descriptor 3 what it took: "EXIT WALL_US CPU_US PEAK_KIB". A small
 * program of its own, because the peak of a child that Python starts is never less than Python's.
 *
 * Usage: measure COMMAND [ARGUMENT...] 3>FILE
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static long long time_us(struct timeval time)
{
    return time.tv_sec * 1000000LL + time.tv_usec;
}

int main(int argc, char *argv[])
{
    long long start = now_us(), end;
    struct rusage usage;
    int status;
    pid_t child;

    if (argc < 2) {
        fprintf(stderr, "usage: %s COMMAND [ARGUMENT...] 3>FILE\n", argv[0]);
        return 2;
    }
    child = fork();
    if (!child) {
        close(3);
        execvp(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
        perror("measure");
        return 2;
    }
    end = now_us();
    dprintf(3, "%d %lld %lld %ld\n",
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), end - start,
            time_us(usage.ru_utime) + time_us(usage.ru_stime), usage.ru_maxrss);
    return 0;
}
