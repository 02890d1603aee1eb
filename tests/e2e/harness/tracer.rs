//! Ends or holds the real binary just before one of its calls on files, by ptrace.
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

/// A running program; killed when dropped. Everything is done by the thread that started it.
pub(crate) struct Traced {
    main: Pid,
    calls: u64,
    /// After the shell became the program.
    started: bool,
    /// Threads that are inside of a call.
    inside: HashSet<Pid>,
    /// Waits before its call.
    held: Option<Pid>,
    ended: bool,
}

/// Runs `program arguments…` and kills it before its `at`-th call that changes files (from 1; all threads count).
pub(crate) fn kill_before(program: &str, arguments: &[&str], at: u64) -> Ended {
    let mut traced = Traced::start(program, arguments);
    match traced.run_to(at) {
        Ok(call) => Ended::Killed { call },
        Err(code) => Ended::Exited {
            code,
            calls: traced.calls,
        },
    }
}

impl Traced {
    #[expect(
        clippy::zombie_processes,
        reason = "it is waited for by its id, as whoever traces must"
    )]
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Traced {
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
        Traced {
            main,
            calls: 0,
            started: false,
            inside: HashSet::new(),
            held: None,
            ended: false,
        }
    }

    /// Lets it run up to its `at`-th call that changes files, and stops all of it there (SIGSTOP), that thread before the
    /// call. An error is its exit code: it ended before.
    pub(crate) fn run_to(&mut self, at: u64) -> Result<String, i32> {
        if let Some(thread) = self.held.take() {
            kill(self.main, Signal::SIGCONT).expect("wake the program");
            ptrace::syscall(thread, None).expect("go on");
        }
        loop {
            // Only children of this thread, so tests beside it keep theirs.
            let any = waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD));
            let thread = match any.expect("wait for the program") {
                WaitStatus::PtraceSyscall(thread) => {
                    // Stops come in pairs: on the way in, on the way out.
                    if !self.inside.remove(&thread) {
                        self.inside.insert(thread);
                        if let Some(call) = self.started.then(|| call(thread)).flatten() {
                            self.calls += 1;
                            if self.calls == at {
                                self.held = Some(thread);
                                kill(self.main, Signal::SIGSTOP).expect("stop the program");
                                return Ok(call);
                            }
                        }
                    }
                    thread
                }
                WaitStatus::PtraceEvent(thread, _, event) => {
                    self.started |= event == Event::PTRACE_EVENT_EXEC as i32;
                    thread
                }
                WaitStatus::Stopped(thread, signal) => {
                    ptrace::syscall(thread, signal).ok();
                    continue;
                }
                WaitStatus::Exited(ended, code) if ended == self.main => {
                    self.ended = true;
                    return Err(code);
                }
                WaitStatus::Signaled(ended, signal, _) if ended == self.main => {
                    self.ended = true;
                    panic!("the program died by itself: {signal}");
                }
                _ => continue,
            };
            // A thread whose process just ended cannot go on; the end is reported by the next wait.
            ptrace::syscall(thread, None).ok();
        }
    }

    /// Lets it run to its end; its exit code.
    pub(crate) fn finish(mut self) -> i32 {
        loop {
            if let Err(code) = self.run_to(u64::MAX) {
                return code;
            }
        }
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if self.ended || kill(self.main, Signal::SIGKILL).is_err() {
            return;
        }
        loop {
            match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
                Ok(WaitStatus::Exited(ended, _) | WaitStatus::Signaled(ended, ..))
                    if ended == self.main =>
                {
                    return;
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
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
