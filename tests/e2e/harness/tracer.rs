//! Ends or stops the real binary just before one of its calls on files, by ptrace.
//!
//! A kill by time never hits the same place twice and mostly misses; a library that stands before the C library's calls
//! is no way into a static binary that does not use them.

use nix::libc;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::HashSet;
use std::process::{Command, Stdio};

/// What became of a traced run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with this exit code, after so many calls.
    Exited { code: i32, calls: u64 },
    /// Before the call that was asked for.
    Killed { call: String },
}

/// Runs `program arguments…` and kills it before its `at`-th call that changes files (from 1; all threads count).
///
/// Waits only for children of the calling thread, so tests beside it keep theirs.
pub(crate) fn kill_before(program: &str, arguments: &[&str], at: u64) -> Ended {
    // The shell stops itself, so that nothing of the program is missed, and needs no code between fork and exec.
    let child = Command::new("sh")
        .args(["-c", "kill -STOP $$; exec \"$@\"", "sh", program])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start a shell");
    let main = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    let stopped = waitpid(main, Some(WaitPidFlag::WUNTRACED)).expect("wait for the shell");
    assert_eq!(stopped, WaitStatus::Stopped(main, Signal::SIGSTOP));
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(main, options).expect("trace the shell");
    kill(main, Signal::SIGCONT).expect("wake the shell");
    let (mut calls, mut started, mut killed) = (0, false, None);
    let mut inside = HashSet::new();
    loop {
        let status = waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD));
        let thread = match status.expect("wait for the program") {
            WaitStatus::PtraceSyscall(thread) => {
                // Stops come in pairs: on the way in, on the way out.
                if !inside.remove(&thread) {
                    inside.insert(thread);
                    if let Some(call) = started.then(|| call(thread)).flatten() {
                        calls += 1;
                        if calls == at && killed.is_none() {
                            kill(main, Signal::SIGKILL).expect("kill the program");
                            killed = Some(call);
                        }
                    }
                }
                thread
            }
            WaitStatus::PtraceEvent(thread, _, event) => {
                if event == Event::PTRACE_EVENT_EXEC as i32 {
                    started = true;
                }
                thread
            }
            WaitStatus::Stopped(thread, signal) => {
                ptrace::syscall(thread, signal).ok();
                continue;
            }
            WaitStatus::Exited(ended, code) if ended == main => {
                return killed.map_or(Ended::Exited { code, calls }, |call| Ended::Killed { call });
            }
            WaitStatus::Signaled(ended, ..) if ended == main => {
                let call = killed.expect("the program died by itself");
                return Ended::Killed { call };
            }
            _ => continue,
        };
        // A thread that was just killed cannot go on; its end is reported by the next wait.
        ptrace::syscall(thread, None).ok();
    }
}

/// The call a thread is about to make, if it changes files.
fn call(thread: Pid) -> Option<String> {
    let registers = ptrace::getregs(thread).ok()?;
    let number = i64::try_from(registers.orig_rax).ok()?;
    let name = match number {
        libc::SYS_open if registers.rsi & libc::O_CREAT as u64 != 0 => "create",
        libc::SYS_openat if registers.rdx & libc::O_CREAT as u64 != 0 => "create",
        // Not what is said on the terminal.
        libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev if registers.rdi > 2 => "write",
        libc::SYS_fsync | libc::SYS_fdatasync => "fsync",
        libc::SYS_link | libc::SYS_linkat => "link",
        libc::SYS_rename | libc::SYS_renameat | libc::SYS_renameat2 => "rename",
        libc::SYS_unlink | libc::SYS_unlinkat => "unlink",
        libc::SYS_mkdir | libc::SYS_mkdirat => "mkdir",
        _ => return None,
    };
    Some(name.to_owned())
}
