/* A folder seen through a network: each request costs a round trip, all bytes share one wire.
 *
 *   delay BACKING MOUNTPOINT -f       DELAY_RTT_US (2000) and DELAY_BYTES_PER_S (125000000) in the environment
 *
 * As a kernel's NFS client does, attributes and names are remembered for a second and written data goes
 * out without waiting for an answer to each request; fsync and the closing of a written file wait. */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static int root;
static int64_t rtt_ns = 2000000, bytes_per_s = 125000000, wire_free_at;
static pthread_mutex_t wire = PTHREAD_MUTEX_INITIALIZER;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void until(int64_t at) {
    struct timespec t = {at / 1000000000LL, at % 1000000000LL};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {}
}

static void round_trip(void) { until(now() + rtt_ns); }

/* Takes the wire's next free stretch; what was asked `extra` later is there `extra` later. */
static void carry(size_t bytes, int64_t extra) {
    pthread_mutex_lock(&wire);
    int64_t start = now();
    if (wire_free_at > start) start = wire_free_at;
    wire_free_at = start + (int64_t)(bytes * 1e9 / bytes_per_s);
    int64_t end = wire_free_at + extra;
    pthread_mutex_unlock(&wire);
    until(end);
}

static const char *rel(const char *path) { return path[1] ? path + 1 : "."; }
static int result(int code) { return code < 0 ? -errno : 0; }

static void *d_init(struct fuse_conn_info *conn, struct fuse_config *config) {
    (void)conn;
    config->attr_timeout = config->entry_timeout = 1;
    config->negative_timeout = 0;
    config->use_ino = 1;
    return NULL;
}
static int d_getattr(const char *path, struct stat *st, struct fuse_file_info *fi) {
    round_trip();
    return result(fi ? fstat((int)fi->fh, st) : fstatat(root, rel(path), st, AT_SYMLINK_NOFOLLOW));
}
static int d_open(const char *path, struct fuse_file_info *fi) {
    round_trip();
    int fd = openat(root, rel(path), fi->flags & ~O_CREAT);
    fi->fh = (uint64_t)fd;
    return result(fd);
}
static int d_create(const char *path, mode_t mode, struct fuse_file_info *fi) {
    round_trip();
    int fd = openat(root, rel(path), fi->flags | O_CREAT, mode);
    fi->fh = (uint64_t)fd;
    return result(fd);
}
static int d_read(const char *path, char *buf, size_t size, off_t at, struct fuse_file_info *fi) {
    (void)path;
    ssize_t got = pread((int)fi->fh, buf, size, at);
    if (got < 0) return -errno;
    carry((size_t)got, rtt_ns);
    return (int)got;
}
static int d_write(const char *path, const char *buf, size_t size, off_t at, struct fuse_file_info *fi) {
    (void)path;
    ssize_t got = pwrite((int)fi->fh, buf, size, at);
    if (got < 0) return -errno;
    carry((size_t)got, 0);
    return (int)got;
}
static int d_flush(const char *path, struct fuse_file_info *fi) {
    (void)path;
    if ((fi->flags & O_ACCMODE) != O_RDONLY) round_trip();
    return 0;
}
static int d_release(const char *path, struct fuse_file_info *fi) {
    (void)path;
    return result(close((int)fi->fh));
}
static int d_fsync(const char *path, int data, struct fuse_file_info *fi) {
    (void)path; (void)data;
    round_trip();
    return result(fsync((int)fi->fh));
}
static int d_opendir(const char *path, struct fuse_file_info *fi) {
    int fd = openat(root, rel(path), O_RDONLY | O_DIRECTORY);
    fi->fh = (uint64_t)fd;
    return result(fd);
}
static int d_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t at, struct fuse_file_info *fi, enum fuse_readdir_flags flags) {
    (void)at; (void)flags; (void)fi;
    round_trip();
    int fd = openat(root, rel(path), O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) return -errno;
    size_t bytes = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        bytes += 150;
        fill(buf, entry->d_name, NULL, 0, 0);
    }
    closedir(dir);
    carry(bytes, (int64_t)(bytes / 1048576) * rtt_ns);
    return 0;
}
static int d_releasedir(const char *path, struct fuse_file_info *fi) { return d_release(path, fi); }
static int d_fsyncdir(const char *path, int data, struct fuse_file_info *fi) { return d_fsync(path, data, fi); }
static int d_mkdir(const char *path, mode_t mode) { round_trip(); return result(mkdirat(root, rel(path), mode)); }
static int d_unlink(const char *path) { round_trip(); return result(unlinkat(root, rel(path), 0)); }
static int d_rmdir(const char *path) { round_trip(); return result(unlinkat(root, rel(path), AT_REMOVEDIR)); }
static int d_link(const char *from, const char *to) { round_trip(); return result(linkat(root, rel(from), root, rel(to), 0)); }
static int d_symlink(const char *target, const char *path) { round_trip(); return result(symlinkat(target, root, rel(path))); }
static int d_rename(const char *from, const char *to, unsigned flags) {
    round_trip();
    return result(renameat2(root, rel(from), root, rel(to), flags));
}
static int d_readlink(const char *path, char *buf, size_t size) {
    round_trip();
    ssize_t got = readlinkat(root, rel(path), buf, size - 1);
    if (got < 0) return -errno;
    buf[got] = 0;
    return 0;
}
static int d_chmod(const char *path, mode_t mode, struct fuse_file_info *fi) {
    round_trip();
    return result(fi ? fchmod((int)fi->fh, mode) : fchmodat(root, rel(path), mode, 0));
}
static int d_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi) {
    round_trip();
    return result(fi ? fchown((int)fi->fh, uid, gid) : fchownat(root, rel(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}
static int d_truncate(const char *path, off_t len, struct fuse_file_info *fi) {
    round_trip();
    if (fi) return result(ftruncate((int)fi->fh, len));
    int fd = openat(root, rel(path), O_WRONLY);
    if (fd < 0) return -errno;
    int code = result(ftruncate(fd, len));
    close(fd);
    return code;
}
static int d_utimens(const char *path, const struct timespec t[2], struct fuse_file_info *fi) {
    round_trip();
    return result(fi ? futimens((int)fi->fh, t) : utimensat(root, rel(path), t, AT_SYMLINK_NOFOLLOW));
}
static int d_statfs(const char *path, struct statvfs *st) {
    (void)path;
    round_trip();
    return result(fstatvfs(root, st));
}
static int d_fallocate(const char *path, int mode, off_t at, off_t len, struct fuse_file_info *fi) {
    (void)path;
    round_trip();
    return result(fallocate((int)fi->fh, mode, at, len));
}

static const struct fuse_operations operations = {
    .init = d_init, .getattr = d_getattr, .open = d_open, .create = d_create, .read = d_read, .write = d_write,
    .flush = d_flush, .release = d_release, .fsync = d_fsync, .opendir = d_opendir, .readdir = d_readdir,
    .releasedir = d_releasedir, .fsyncdir = d_fsyncdir, .mkdir = d_mkdir, .unlink = d_unlink, .rmdir = d_rmdir,
    .link = d_link, .symlink = d_symlink, .rename = d_rename, .readlink = d_readlink, .chmod = d_chmod,
    .chown = d_chown, .truncate = d_truncate, .utimens = d_utimens, .statfs = d_statfs, .fallocate = d_fallocate,
};

int main(int argc, char **argv) {
    if (argc < 3 || (root = open(argv[1], O_RDONLY | O_DIRECTORY)) < 0) {
        fprintf(stderr, "usage: delay BACKING MOUNTPOINT [-f]\n");
        return 2;
    }
    if (getenv("DELAY_RTT_US")) rtt_ns = atoll(getenv("DELAY_RTT_US")) * 1000;
    if (getenv("DELAY_BYTES_PER_S")) bytes_per_s = atoll(getenv("DELAY_BYTES_PER_S"));
    argv[1] = argv[0];
    return fuse_main(argc - 1, argv + 1, &operations, NULL);
}
