//! The time of day as a test wants it, for the real binary: its calls for the time are answered here.
//!
//! A program asks the kernel for the time through a page the kernel lends it (vDSO), past any filter. That page is made
//! unreadable when the program starts (ptrace, let go at once); what is then a system call, a seccomp filter hands to a
//! thread of ours. Waits and timeouts go by another clock, which is left alone.

use nix::libc;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::time::{ClockId, clock_gettime};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// Of the kernel's `linux/seccomp.h`; the sizes in them are those of the structures.
const RECEIVE: u64 = 0xc050_2100;
const SEND: u64 = 0xc018_2101;

/// Whoever is started with it sees its time. Ends with the test.
pub(crate) struct Time {
    shared: Arc<Shared>,
    threads: std::sync::Mutex<Vec<std::thread::JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    /// How far ahead of this machine's they are.
    wall_ms: AtomicI64,
    steady_ms: AtomicI64,
    /// How often somebody asked how much time has passed.
    asked: AtomicU64,
    ended: AtomicBool,
}

fn now_ms(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

impl Time {
    /// `at` as in `2026-12-01T21:00:00+01:00`.
    pub(crate) fn at(at: &str) -> Time {
        let time = Time {
            shared: Arc::default(),
            threads: std::sync::Mutex::default(),
        };
        time.set(at);
        time
    }

    pub(crate) fn now_ms(&self) -> i64 {
        now_ms(ClockId::Realtime) + self.shared.wall_ms.load(Ordering::SeqCst)
    }

    /// Somebody sets the clock: no time passes.
    pub(crate) fn set(&self, at: &str) {
        let at: jiff::Timestamp = at.parse().expect("a moment");
        let ahead = at.as_millisecond() - now_ms(ClockId::Realtime);
        self.shared.wall_ms.store(ahead, Ordering::SeqCst);
    }

    /// Time passes until `at`.
    pub(crate) fn pass(&self, at: &str) {
        let before = self.now_ms();
        self.set(at);
        let passed = self.now_ms() - before;
        assert!(passed >= 0, "{at} is past already");
        self.shared.steady_ms.fetch_add(passed, Ordering::SeqCst);
    }

    /// Waits until those who look at it each second have done so a few times: what they would do now, they have begun.
    pub(crate) fn looked_at(&self) {
        let before = self.shared.asked.load(Ordering::SeqCst);
        super::eventually("the clock is looked at", || {
            (self.shared.asked.load(Ordering::SeqCst) >= before + 10).then_some(())
        });
    }

    /// Starts what `program` with its arguments is, which must have been made by [`Time::command`].
    pub(crate) fn spawn(&self, command: &mut Command) -> Child {
        let shared = self.shared.clone();
        // A filter holds for the thread that asks for it, and for what it starts.
        let started = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let asked = filter();
                let child = command.spawn().expect("start a shell");
                close_the_other_way(&child);
                (asked, child)
            });
            thread.join().expect("the thread that starts it")
        });
        let (asked, child) = started;
        let answering = std::thread::spawn(move || answer(&asked, &shared));
        self.threads.lock().expect("threads").push(answering);
        child
    }

    /// The shell stops itself, so that nothing of the program is missed, and needs no code between fork and exec.
    pub(crate) fn command(program: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", "kill -STOP $$; exec \"$@\"", "sh", program]);
        command
    }
}

impl Drop for Time {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        for thread in self.threads.lock().expect("threads").drain(..) {
            if thread.join().is_err() {
                eprintln!("the thread that answers for the clock failed");
            }
        }
    }
}

/// Every call for the time of day or the time since the start waits for our answer.
fn filter() -> OwnedFd {
    let line = |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter {
        code: u16::try_from(code).expect("a code"),
        jt,
        jf,
        k,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let number = u32::try_from(libc::SYS_clock_gettime).expect("a number");
    let clock = |id: libc::clockid_t| u32::try_from(id).expect("a clock");
    let mut lines = [
        line(load, 0, 0, 0),
        line(equal, number, 0, 4),
        line(load, 16, 0, 0),
        line(equal, clock(libc::CLOCK_REALTIME), 3, 0),
        line(equal, clock(libc::CLOCK_REALTIME_COARSE), 2, 0),
        line(equal, clock(libc::CLOCK_BOOTTIME), 1, 0),
        line(libc::BPF_RET, libc::SECCOMP_RET_ALLOW, 0, 0),
        line(libc::BPF_RET, libc::SECCOMP_RET_USER_NOTIF, 0, 0),
    ];
    let program = libc::sock_fprog {
        len: u16::try_from(lines.len()).expect("few"),
        filter: lines.as_mut_ptr(),
    };
    // SAFETY: `program` and its lines live through the call, which copies them; the descriptor it returns is new and ours.
    unsafe {
        let fd = libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            &program,
        );
        let error = std::io::Error::last_os_error();
        assert!(fd >= 0, "failed to filter (as root?): {error}");
        OwnedFd::from_raw_fd(i32::try_from(fd).expect("a descriptor"))
    }
}

/// Waits for the shell, lets it become the program, and makes the kernel's page of clocks useless to it: without
/// program headers nobody finds a function there.
fn close_the_other_way(child: &Child) {
    const COUNT_OF_PROGRAM_HEADERS: usize = 56;
    let main = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    let stopped = waitpid(main, Some(WaitPidFlag::WUNTRACED)).expect("wait for the shell");
    assert_eq!(stopped, WaitStatus::Stopped(main, Signal::SIGSTOP));
    let options = Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL;
    ptrace::seize(main, options).expect("trace the shell");
    kill(main, Signal::SIGCONT).expect("wake the shell");
    loop {
        match waitpid(main, Some(WaitPidFlag::__WALL)).expect("wait for the program") {
            WaitStatus::PtraceEvent(_, _, event) if event == Event::PTRACE_EVENT_EXEC as i32 => {
                break;
            }
            WaitStatus::Stopped(_, signal) => ptrace::cont(main, signal).expect("go on"),
            WaitStatus::PtraceEvent(..) => ptrace::cont(main, None).expect("go on"),
            other => panic!("the shell did not become the program: {other:?}"),
        }
    }
    let maps = std::fs::read_to_string(format!("/proc/{main}/maps")).expect("its memory");
    let page = maps.lines().find(|line| line.ends_with("[vdso]"));
    let page = page
        .and_then(|line| line.split('-').next())
        .expect("the page");
    let page = usize::from_str_radix(page, 16).expect("an address");
    let place = (page + COUNT_OF_PROGRAM_HEADERS) as ptrace::AddressType;
    ptrace::write(main, place, 0).expect("write to the page");
    ptrace::detach(main, None).expect("let it go");
}

/// Until the test or the last who asks has ended.
fn answer(asked: &OwnedFd, shared: &Shared) {
    while !shared.ended.load(Ordering::SeqCst) {
        let mut waiting = libc::pollfd {
            fd: asked.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one entry, which lives through the call.
        let ready = unsafe { libc::poll(&mut waiting, 1, 100) };
        if ready > 0 && waiting.revents & libc::POLLIN == 0 {
            return;
        }
        if ready > 0 {
            answer_one(asked, shared);
        }
    }
}

fn answer_one(asked: &OwnedFd, shared: &Shared) {
    let mut call = libc::seccomp_notif {
        id: 0,
        pid: 0,
        flags: 0,
        data: libc::seccomp_data {
            nr: 0,
            arch: 0,
            instruction_pointer: 0,
            args: [0; 6],
        },
    };
    // SAFETY: the structure the call fills, zeroed as it demands.
    if unsafe { libc::ioctl(asked.as_raw_fd(), RECEIVE as _, &mut call) } < 0 {
        // Killed before it was heard.
        return;
    }
    let [clock, place, ..] = call.data.args;
    let is_steady = clock == u64::try_from(libc::CLOCK_BOOTTIME).expect("a clock");
    let (clock, ahead) = match is_steady {
        true => {
            shared.asked.fetch_add(1, Ordering::SeqCst);
            (ClockId::Boottime, &shared.steady_ms)
        }
        false => (ClockId::Realtime, &shared.wall_ms),
    };
    let now = clock_gettime(clock);
    let nanoseconds = i128::from(now.tv_sec) * 1_000_000_000
        + i128::from(now.tv_nsec)
        + i128::from(ahead.load(Ordering::SeqCst)) * 1_000_000;
    let whole = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).expect("seconds");
    let rest = i64::try_from(nanoseconds.rem_euclid(1_000_000_000)).expect("nanoseconds");
    let bytes = [whole.to_ne_bytes(), rest.to_ne_bytes()].concat();
    let memory = std::fs::OpenOptions::new()
        .write(true)
        .open(format!("/proc/{}/mem", call.pid));
    let written = memory.and_then(|memory| memory.write_all_at(&bytes, place));
    let mut said = libc::seccomp_notif_resp {
        id: call.id,
        val: 0,
        error: written.err().map_or(0, |_| -libc::EFAULT),
        flags: 0,
    };
    // SAFETY: the structure the call reads. It fails where the caller was killed meanwhile: nobody waits then.
    unsafe { libc::ioctl(asked.as_raw_fd(), SEND as _, &mut said) };
}
