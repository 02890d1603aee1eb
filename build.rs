//! Puts the commit and its date into the binary. The commit's date, not the clock: the same
//! source gives the same binary, and the netboot image built from it stays reproducible.

use std::process::Command;

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

fn main() {
    let unknown = || "unknown".to_owned();
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(unknown);
    let date = git(&["show", "-s", "--format=%cs", "HEAD"]).unwrap_or_else(unknown);
    let seconds = git(&["show", "-s", "--format=%ct", "HEAD"]).unwrap_or_else(|| "0".to_owned());
    println!("cargo:rustc-env=REPRISE_COMMIT={commit}");
    println!("cargo:rustc-env=REPRISE_COMMIT_DATE={date}");
    println!("cargo:rustc-env=REPRISE_COMMIT_SECONDS={seconds}");
    println!("cargo:rerun-if-changed=build.rs");
    // Moves with every commit and checkout; a worktree keeps it elsewhere.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
}
