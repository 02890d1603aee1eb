"""A share: share.py FOLDER MOUNTPOINT. What FOLDER holds, and files that somebody else has open there.

A name written in FOLDER.locked (one a line) cannot be opened: its server answers as one of SMB does for a file that
another client opened without sharing it, which Linux gives to programs as EBUSY.
"""

import errno
import os
import sys

import fusepy as fuse

folder, mountpoint = sys.argv[1], sys.argv[2]


class Share(fuse.Operations):
    def at(self, path):
        return folder + path

    def getattr(self, path, fh=None):
        found = os.lstat(self.at(path))
        names = ("st_atime", "st_ctime", "st_gid", "st_mode", "st_mtime", "st_nlink", "st_size", "st_uid")
        return {name: getattr(found, name) for name in names}

    def readdir(self, path, fh):
        return [".", ".."] + os.listdir(self.at(path))

    def readlink(self, path):
        return os.readlink(self.at(path))

    def open(self, path, flags):
        with open(folder + ".locked") as locked:
            if os.path.basename(path) in locked.read().split("\n"):
                raise fuse.FuseOSError(errno.EBUSY)
        return os.open(self.at(path), flags)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def release(self, path, fh):
        os.close(fh)
        return 0

    def statfs(self, path):
        found = os.statvfs(folder)
        names = ("f_bavail", "f_bfree", "f_blocks", "f_bsize", "f_favail", "f_ffree", "f_files", "f_flag", "f_frsize", "f_namemax")
        return {name: getattr(found, name) for name in names}


fuse.FUSE(Share(), mountpoint, foreground=True, ro=True, nothreads=True)
