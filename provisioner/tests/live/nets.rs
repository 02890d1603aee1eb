//! Two machines joined by a cable: two network namespaces and a veth pair. They vanish with the
//! processes that hold them.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A network namespace, as long as this lives.
pub(crate) struct Net {
    holder: Child,
}

impl Net {
    pub(crate) fn new() -> Net {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test makes network namespaces: run it as root (sudo ./test)"
        );
        // It ends by itself, should this process be killed.
        let holder = Command::new("unshare")
            .args(["--net", "sleep", "900"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("unshare (package util-linux): {e}"));
        let net = Net { holder };
        let ours = std::fs::read_link("/proc/self/ns/net").unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::fs::read_link(net.place()).is_ok_and(|theirs| theirs == ours) {
            assert!(Instant::now() < deadline, "unshare made no namespace");
            std::thread::sleep(Duration::from_millis(5));
        }
        net.ip("link set lo up");
        net
    }

    fn place(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    /// Moves this thread, and what it starts later, into the namespace.
    pub(crate) fn enter(&self) {
        let place = std::fs::File::open(self.place()).unwrap();
        move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", self.place()))
            .arg(program)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn ip(&self, arguments: &str) {
        let done = self
            .command("ip")
            .args(arguments.split(' '))
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "ip {arguments}: {error}");
    }

    /// A cable between two interfaces made for it, both switched on, without addresses.
    pub(crate) fn cable(&self, here: &str, other: &Net, there: &str) {
        let pid = other.holder.id();
        self.ip(&format!(
            "link add {here} type veth peer name {there} netns {pid}"
        ));
        self.ip(&format!("link set {here} up"));
        other.ip(&format!("link set {there} up"));
    }

    /// A program that ends with the value returned.
    pub(crate) fn start(&self, program: &str, arguments: &str) -> Running {
        let child = self
            .command(program)
            .args(arguments.split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e}"));
        Running(child)
    }

    /// A cable from `srv0` here to `pc0` there, both switched on.
    pub(crate) fn cable_to(&self, other: &Net) {
        let pid = other.holder.id();
        self.ip(&format!(
            "link add srv0 type veth peer name pc0 netns {pid}"
        ));
        self.ip("addr add 10.77.0.2/24 dev srv0");
        self.ip("link set srv0 up");
        other.ip("link set pc0 up");
    }
}

pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Runs `work` on a thread of its own inside `net`, on a runtime that never leaves that thread.
pub(crate) fn inside<T: Send>(net: &Net, work: impl AsyncFnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            net.enter();
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(work())
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
