//! What a person sees: data on stdout, messages on stderr, a progress bar on a terminal only.

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

/// Why stdout took no more.
#[derive(Debug, thiserror::Error)]
#[error("write to the standard output: {0}")]
pub(crate) struct Output(#[from] io::Error);

/// One line of data on stdout.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    Ok(writeln!(out, "{text}").map_err(Output)?)
}

/// Data on stdout as it is: its line ends are part of it.
pub(crate) fn exactly(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    Ok(out.write_all(text.as_bytes()).map_err(Output)?)
}

/// One message on stderr. A closed stderr stops nothing.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// JSON on stdout, indented for people and as good for machines.
pub(crate) fn json(value: &serde_json::Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value).context("write JSON")?;
    line(&text)
}

/// A JSON array on stdout, written as it grows.
pub(crate) struct JsonList {
    empty: bool,
}

impl JsonList {
    pub(crate) fn begin() -> anyhow::Result<JsonList> {
        write!(io::stdout().lock(), "[").map_err(Output)?;
        Ok(JsonList { empty: true })
    }

    pub(crate) fn item(&mut self, item: &impl serde::Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(item).context("write JSON")?;
        let comma = if self.empty { "" } else { "," };
        self.empty = false;
        let text = text.replace('\n', "\n  ");
        write!(io::stdout().lock(), "{comma}\n  {text}").map_err(Output)?;
        Ok(())
    }

    pub(crate) fn end(self) -> anyhow::Result<()> {
        line(if self.empty { "]" } else { "\n]" })
    }
}

/// Columns as wide as their widest cell; the last one is left as it is.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    line(aligned(head, rows).trim_end_matches('\n'))
}

fn aligned(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|r| r.get(column));
        let widest = cells.map(|c| c.chars().count()).max().unwrap_or(0);
        widest.max(head[column].chars().count())
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    let titles: Vec<String> = head.iter().map(|t| (*t).to_owned()).collect();
    for row in std::iter::once(&titles).chain(rows) {
        let mut written = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            written.push_str(&shown(cell));
            let pad = width.saturating_sub(cell.chars().count());
            written.extend(std::iter::repeat_n(' ', pad + 2));
        }
        text.push_str(written.trim_end());
        text.push('\n');
    }
    text
}

/// A name as it may be shown on a terminal: control characters cannot move the cursor.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Is a person there to read and answer?
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on stderr; anything but yes is no.
pub(crate) fn confirm(question: &str) -> anyhow::Result<bool> {
    let mut err = io::stderr().lock();
    write!(err, "{question} [y/N] ").context("ask on the terminal")?;
    err.flush().context("ask on the terminal")?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("read the answer")?;
    Ok(matches!(
        answer.trim().to_lowercase().as_str(),
        "y" | "yes" | "o" | "oui"
    ))
}

/// While it lives, the terminal does not show what is typed.
pub(crate) struct Quiet(rustix::termios::Termios);

impl Quiet {
    pub(crate) fn begin() -> anyhow::Result<Quiet> {
        let why = "hide what is typed";
        let before = tcgetattr(io::stdin()).context(why)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden).context(why)?;
        Ok(Quiet(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // The worst is a terminal that stays quiet; `reset` cures it.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Asks on stderr for a new password, twice; nothing of it is shown.
pub(crate) fn new_password(question: &str) -> anyhow::Result<String> {
    if !is_interactive() {
        bail!("ask for a password: nobody is at a terminal here; give it in a file");
    }
    let ask = |question: &str| -> anyhow::Result<String> {
        let quiet = Quiet::begin()?;
        let mut err = io::stderr().lock();
        write!(err, "{question}").context("ask on the terminal")?;
        err.flush().context("ask on the terminal")?;
        let mut answer = String::new();
        io::stdin()
            .lock()
            .read_line(&mut answer)
            .context("read the answer")?;
        drop(quiet);
        writeln!(err).context("ask on the terminal")?;
        Ok(answer.trim_end_matches(['\n', '\r']).to_owned())
    };
    let first = ask(question)?;
    if ask("Again: ")? != first {
        bail!("take that password: the two differ; begin again");
    }
    Ok(first)
}

/// An error with its causes; one that a message above it shows already is not said twice.
pub(crate) fn causes(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said.push_str(": ");
            said.push_str(&cause);
        }
    }
    said
}

/// `reprise … | head` is no failure worth a message.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<Output>()
        .is_some_and(|Output(e)| e.kind() == io::ErrorKind::BrokenPipe)
}

/// `1.5 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} B"),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

/// `3 h 05 min`, `2 min 10 s`, `4.2 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `compta store: 42 %, 1.2 GiB of 2.9 GiB, 210.0 MiB/s, 8.1 s left`; `total` 0 = not known yet.
pub(crate) fn progress(what: &str, done: u64, total: u64, bytes_per_second: f64) -> String {
    let mut text = match (done.min(total) * 100).checked_div(total) {
        Some(percent) => format!("{what}: {percent} %, {} of {}", bytes(done), bytes(total)),
        None => format!("{what}: {}", bytes(done)),
    };
    if bytes_per_second >= 1.0 {
        text.push_str(&format!(", {}/s", bytes(bytes_per_second as u64)));
        if total > done {
            let left = Duration::from_secs_f64((total - done) as f64 / bytes_per_second);
            text.push_str(&format!(", {} left", duration(left)));
        }
    }
    text
}

/// How fast it goes now: a mean over the last ten seconds or so, since files that are not read again rush by.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    at: f64,
    done: u64,
    rate: f64,
}

impl Pace {
    /// Units per second, from how much is done after how long.
    pub(crate) fn rate(&mut self, done: u64, took: Duration) -> f64 {
        const SECONDS: f64 = 10.0;
        let at = took.as_secs_f64();
        let passed = at - self.at;
        if passed > 0.0 {
            let now = done.saturating_sub(self.done) as f64 / passed;
            // Before ten seconds have passed, the mean over all of them.
            let weight = (passed / at.min(SECONDS)).min(1.0);
            self.rate += (now - self.rate) * weight;
            (self.at, self.done) = (at, done);
        }
        self.rate
    }
}

/// One line that is drawn over itself, on a terminal only.
pub(crate) struct Bar {
    live: bool,
    drawn: usize,
}

impl Bar {
    pub(crate) fn new() -> Bar {
        Bar {
            live: io::stderr().is_terminal(),
            drawn: 0,
        }
    }

    /// Is there a terminal to draw on?
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    pub(crate) fn draw(&mut self, text: &str) {
        if !self.live {
            return;
        }
        let text: String = shown(text).chars().take(100).collect();
        let length = text.chars().count();
        let wipe = " ".repeat(self.drawn.saturating_sub(length));
        let mut err = io::stderr().lock();
        let _ = write!(err, "\r{text}{wipe}");
        let _ = err.flush();
        self.drawn = length;
    }

    pub(crate) fn clear(&mut self) {
        if self.live && self.drawn > 0 {
            self.draw("");
            let _ = write!(io::stderr().lock(), "\r");
            self.drawn = 0;
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let path = std::path::Path::new("/nonexistent/reprise/password");
        let secret = vault::Secret::from_file(path).unwrap_err();
        let said = causes(&anyhow::Error::new(secret).context("open the vault"));
        assert!(said.starts_with("open the vault: read the password file /none"));
        assert_eq!(said.matches("No such file").count(), 1, "{said}");
        let below = anyhow::anyhow!("the disk is gone").context("read x");
        assert_eq!(causes(&below), "read x: the disk is gone");
    }

    #[test]
    fn columns_line_up_and_control_characters_are_not_obeyed() {
        let rows = vec![
            vec!["compta".to_owned(), "1".to_owned()],
            vec!["a\u{1b}[2J".to_owned(), "22".to_owned()],
        ];
        assert_eq!(
            aligned(&["plan", "files"], &rows),
            "plan    files\ncompta  1\na\u{fffd}[2J   22\n"
        );
    }

    #[test]
    fn progress_says_what_is_known() {
        assert_eq!(
            progress("compta store", 1024, 0, 0.0),
            "compta store: 1.0 KiB"
        );
        assert_eq!(
            progress("compta store", 1024, 4096, 1024.0),
            "compta store: 25 %, 1.0 KiB of 4.0 KiB, 1.0 KiB/s, 3.0 s left"
        );
        assert_eq!(progress("x", 9, 9, 0.5), "x: 100 %, 9 B of 9 B");
    }

    #[test]
    fn the_pace_follows_the_last_ten_seconds() {
        let mut pace = Pace::default();
        let mut rate = |done, seconds| pace.rate(done, Duration::from_secs(seconds)).round();
        assert_eq!(
            [rate(0, 0), rate(100, 1), rate(200, 2)],
            [0.0, 100.0, 100.0]
        );
        assert_eq!(rate(200, 2), 100.0, "no time has passed");
        assert_eq!(rate(200, 4), 50.0, "all of it counts");
        for second in 5..64 {
            rate(200 + 10 * (second - 4), second);
        }
        assert_eq!(rate(800, 64), 10.0);
    }

    #[test]
    fn figures_are_for_people() {
        let shown: Vec<String> = [0, 1023, 1024, 1_610_612_736].map(bytes).into();
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 GiB"]);
        let times: Vec<String> = [4.2, 130.0, 11_100.0]
            .map(|s| duration(Duration::from_secs_f64(s)))
            .into();
        assert_eq!(times, ["4.2 s", "2 min 10 s", "3 h 05 min"]);
    }
}
