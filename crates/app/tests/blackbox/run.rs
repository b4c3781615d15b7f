//! Running `gauze`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a command said.
pub struct Said {
    /// Exit status.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// Asserts the exit status.
    pub fn ends_with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "out: {}\nerr: {}", self.out, self.err);
        self
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gauze"));
    command.args(arguments).env("LC_ALL", "C.UTF-8").env_remove("GAUZE_HOME");
    for port in ["GAUZE_HTTPS", "GAUZE_DIMSE", "GAUZE_DIMSE_TLS"] {
        command.env(port, "127.0.0.1:0");
    }
    command
}

/// Runs a command with something on standard input.
pub fn gauze_with(arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> Said {
    let mut command = command(arguments);
    command.envs(environment.iter().copied());
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // Whoever does not read it may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let done = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { status: done.status.code().unwrap_or(-1), out: text(done.stdout), err: text(done.stderr) }
}

/// Runs a command.
pub fn gauze(arguments: &[&str]) -> Said {
    gauze_with(arguments, "", &[])
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes a file with a mode.
pub fn write(path: &Path, bytes: &[u8], mode: u32) {
    let mut file = File::options().write(true).create(true).truncate(true).mode(mode).open(path).unwrap();
    file.write_all(bytes).unwrap();
    file.set_permissions(std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The demo's films: name, bytes.
pub fn films() -> Vec<(String, Vec<u8>)> {
    let packed: &[u8] = include_bytes!("../../../../testdata/demo/films.tar.gz");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    let read = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        let name = entry.path().unwrap().display().to_string();
        entry.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

/// One of them, as a file in a folder.
pub fn film_in(folder: &Path, name: &str) -> std::path::PathBuf {
    let (_, bytes) = films().into_iter().find(|(n, _)| n == name).unwrap();
    let path = folder.join(name);
    write(&path, &bytes, 0o644);
    path
}

/// A home with a plain key.
pub fn plain_home(folder: &Path) -> std::path::PathBuf {
    let home = folder.join("home");
    gauze(&["init", text(&home), "--plain-key"]).ends_with(0);
    home
}

/// A running `serve`; ended when dropped.
pub struct Serving(Child);

impl Serving {
    /// Starts and waits for the `ready` line.
    pub fn start(home: &Path) -> (Self, serde_json::Value) {
        let mut child = command(&["serve", text(home)]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let json = line.strip_prefix("ready ").unwrap_or_else(|| panic!("not ready: {line}"));
        (Self(child), serde_json::from_str(json).unwrap())
    }

    /// SIGTERM; the exit status.
    pub fn stop(mut self) -> Option<i32> {
        Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already where `stop` was called.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
