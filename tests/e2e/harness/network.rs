//! Networks of their own, so that no test touches this machine's.

use super::tool;
use std::os::fd::AsFd;
use std::process::Command;

/// A network namespace with its loopback up; removed when dropped, with the interfaces in it.
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    pub(crate) fn new() -> Namespace {
        let name = format!("rp-{}", state::id::new());
        tool("ip", &["netns", "add", &name]);
        let namespace = Namespace { name };
        namespace.ip(&["link", "set", "lo", "up"]);
        namespace
    }

    /// `ip …` inside.
    pub(crate) fn ip(&self, arguments: &[&str]) -> String {
        let mut all = vec!["-n", self.name.as_str()];
        all.extend(arguments);
        tool("ip", &all)
    }

    /// A cable: interface `mine` here with `my_address` (`10.0.0.1/24`), `theirs` in `other`.
    pub(crate) fn cable(
        &self,
        mine: &str,
        my_address: &str,
        other: &Namespace,
        theirs: &str,
        their_address: &str,
    ) {
        self.ip(&[
            "link",
            "add",
            mine,
            "type",
            "veth",
            "peer",
            "name",
            theirs,
            "netns",
            &other.name,
        ]);
        for (namespace, interface, address) in
            [(self, mine, my_address), (other, theirs, their_address)]
        {
            namespace.ip(&["address", "add", address, "dev", interface]);
            namespace.ip(&["link", "set", interface, "up"]);
        }
    }

    /// Runs `work` on a thread that is inside; sockets it returns stay there.
    pub(crate) fn inside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let place = format!("/run/netns/{}", self.name);
        let namespace = std::fs::File::open(place).expect("the namespace");
        let inside = move || {
            use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("move into the namespace");
            work()
        };
        std::thread::spawn(inside).join().expect("the work inside")
    }

    /// A command that runs inside.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .status();
    }
}
