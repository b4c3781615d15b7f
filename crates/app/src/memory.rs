//! Memory that is given back.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// The allocator of glibc gives threads heaps of their own, eight for each core, and each keeps what its largest frame once
/// needed: with two heaps films take half the memory at their peak and a third afterwards, at the same CPU time. It reads
/// this only when a process begins, so a long-lived one begins anew, as itself, before it has done anything.
const HEAPS: (&str, &str) = ("MALLOC_ARENA_MAX", "2");

/// Begins anew with few heaps, unless the environment says how many. Goes on as it is when that fails.
pub fn bounded() {
    let (name, heaps) = HEAPS;
    let mut arguments = std::env::args_os();
    if std::env::var_os(name).is_some() {
        return;
    }
    // By its path and not as /proc/self/exe: the name that `ps` and `pgrep` show is the last part of what was executed.
    let (Some(own), Ok(program)) = (arguments.next(), std::env::current_exe()) else { return };
    let error = Command::new(program).arg0(own).args(arguments).env(name, heaps).exec();
    tracing::debug!(%error, "memory is not bounded by few heaps");
}
