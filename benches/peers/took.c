/* Runs a command and writes what it took (wall s, user+sys s, peak bytes, exit code) to a file: `took FILE SYNC COMMAND ...`.
 * Unless SYNC is -, the time goes on until all of that file system is on its disk.
 * A small program, since the kernel counts a starting process's peak memory from its parent's. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    struct rusage used;
    int status;
    if (argc < 4) return 2;
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[3], argv + 3);
        perror(argv[3]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) < 0) {
        perror("took");
        return 2;
    }
    if (strcmp(argv[2], "-") != 0) {
        int folder = open(argv[2], O_RDONLY);
        if (folder < 0 || syncfs(folder) < 0) return 2;
    }
    double wall = now() - start;
    FILE *out = fopen(argv[1], "w");
    if (!out) return 2;
    fprintf(out, "%.6f %.6f %ld %d\n", wall, used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
            used.ru_maxrss * 1024, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return fclose(out) ? 2 : 0;
}
