//! The machine's own screen and keyboard: every console the kernel writes to. `/dev/console` would
//! be the last of them only, and on a PC with a serial port that is not the one people look at.

use super::inventory::text;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) struct Screen {
    out: Mutex<Vec<Box<dyn Write + Send>>>,
    keys: Vec<File>,
    /// How each of `keys` was before, where it could be asked.
    modes: Vec<Option<Termios>>,
    /// Progress is rewritten in place; otherwise each is a line.
    in_place: bool,
}

impl Screen {
    /// Every console in `/sys/class/tty/console/active`.
    pub(super) fn consoles(sys: &Path, dev: &Path) -> Screen {
        let mut screen = Screen {
            out: Mutex::new(Vec::new()),
            keys: Vec::new(),
            modes: Vec::new(),
            in_place: true,
        };
        let mut out: Vec<Box<dyn Write + Send>> = Vec::new();
        for name in text(&sys.join("class/tty/console/active")).split_ascii_whitespace() {
            let path = dev.join(name);
            let open = |flags: OFlags| {
                OpenOptions::new()
                    .read(flags.contains(OFlags::NONBLOCK))
                    .write(!flags.contains(OFlags::NONBLOCK))
                    .custom_flags((OFlags::NOCTTY | flags).bits().cast_signed())
                    .open(&path)
            };
            if let Ok(file) = open(OFlags::empty()) {
                out.push(Box::new(file));
            }
            if let Ok(file) = open(OFlags::NONBLOCK) {
                screen.modes.push(give_keys_at_once(&file));
                screen.keys.push(file);
            }
        }
        screen.out = Mutex::new(out);
        screen
    }

    /// Standard output, no keyboard.
    pub(super) fn standard_output() -> Screen {
        Screen {
            out: Mutex::new(vec![Box::new(std::io::stdout())]),
            keys: Vec::new(),
            modes: Vec::new(),
            in_place: false,
        }
    }

    pub(super) fn line(&self, line: &str) {
        self.put(&format!("{}{line}\r\n", self.start_of_line()));
    }

    /// A framed block with room around it: to be seen from two metres.
    pub(super) fn block(&self, lines: &[String]) {
        let rule = "=".repeat(72);
        let mut text = format!("{}\r\n{rule}\r\n", self.start_of_line());
        for line in lines {
            text.push_str(&format!("  {line}\r\n"));
        }
        text.push_str(&format!("{rule}\r\n\r\n"));
        self.put(&text);
    }

    /// A line that the next one replaces.
    pub(super) fn progress(&self, line: &str) {
        if self.in_place {
            self.put(&format!("{}{line}", self.start_of_line()));
        } else {
            self.line(line);
        }
    }

    fn start_of_line(&self) -> &'static str {
        if self.in_place { "\r\x1b[K" } else { "" }
    }

    /// A console that cannot be written to is no reason to stop.
    fn put(&self, text: &str) {
        let text = if self.in_place {
            text.to_owned()
        } else {
            text.replace('\r', "")
        };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        for console in out.iter_mut() {
            let _ = console.write_all(text.as_bytes());
            let _ = console.flush();
        }
    }

    /// Forgets what was typed before anybody was asked.
    pub(super) fn drain_keys(&self) {
        for mut keys in &self.keys {
            let mut typed = [0; 64];
            while matches!(keys.read(&mut typed), Ok(1..)) {}
        }
    }

    /// Was a key pressed within `wait`? Returns early when so.
    pub(super) fn key_within(&self, wait: Duration) -> bool {
        let end = Instant::now() + wait;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let mut polled: Vec<PollFd<'_>> = self
                .keys
                .iter()
                .map(|keys| PollFd::new(keys, PollFlags::IN))
                .collect();
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            let ready = poll(&mut polled, Some(&timeout)).unwrap_or(0);
            let mut typed = [0; 64];
            if self
                .keys
                .iter()
                .any(|mut keys| matches!(keys.read(&mut typed), Ok(1..)))
            {
                return true;
            }
            if ready > 0 {
                // A line that was hung up is ready for ever and has no key to give.
                std::thread::sleep(Duration::from_millis(50).min(left));
            }
        }
    }
}

/// A shell may follow the agent on the same console.
impl Drop for Screen {
    fn drop(&mut self) {
        for (tty, modes) in self.keys.iter().zip(&self.modes) {
            if let Some(modes) = modes {
                let _ = tcsetattr(tty, OptionalActions::Now, modes);
            }
        }
    }
}

/// Without waiting for the Enter key, and without writing the key on the screen. Returns how it was.
fn give_keys_at_once(tty: &File) -> Option<Termios> {
    let before = tcgetattr(tty).ok()?;
    let mut modes = before.clone();
    modes
        .local_modes
        .remove(LocalModes::ICANON | LocalModes::ECHO);
    let _ = tcsetattr(tty, OptionalActions::Flush, &modes);
    Some(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::os::unix::ffi::OsStrExt;

    /// A pseudo-terminal standing for a console: (its far end, its name below `/dev`).
    fn terminal() -> (File, String) {
        let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&far).unwrap();
        unlockpt(&far).unwrap();
        let path = ptsname(&far, Vec::new()).unwrap();
        let path = std::ffi::OsStr::from_bytes(path.to_bytes());
        let name = Path::new(path).strip_prefix("/dev").unwrap();
        (File::from(far), name.to_str().unwrap().to_owned())
    }

    #[test]
    fn every_console_shows_the_text_and_gives_its_keys() {
        let (mut screen_a, name_a) = terminal();
        let (mut screen_b, name_b) = terminal();
        let sys = crate::fixture::Folder::new("screen");
        sys.write(
            "class/tty/console/active",
            format!("{name_a} {name_b} ttyGONE9\n").as_bytes(),
        );
        let screen = Screen::consoles(sys.path(), Path::new("/dev"));

        screen.line("PAIRING CODE  ABCD-2345");
        for far in [&mut screen_a, &mut screen_b] {
            let mut shown = [0; 256];
            let count = far.read(&mut shown).unwrap();
            let shown = String::from_utf8_lossy(&shown[..count]).into_owned();
            assert!(shown.contains("PAIRING CODE  ABCD-2345"), "{shown:?}");
        }

        assert!(!screen.key_within(Duration::from_millis(1)));
        screen_b.write_all(b"x").unwrap();
        assert!(screen.key_within(Duration::from_secs(20)));
        assert!(
            !screen.key_within(Duration::from_millis(1)),
            "one key, once"
        );
    }

    #[test]
    fn without_a_keyboard_nothing_is_cancelled() {
        let screen = Screen::standard_output();
        screen.drain_keys();
        assert!(!screen.key_within(Duration::from_millis(1)));
    }
}
