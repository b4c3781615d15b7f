//! `GAUZE_HOME`: where what lies. Keys lie beside the data, never inside: a copy of `data` alone does not start.

use std::path::{Path, PathBuf};

/// A home folder.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

impl Home {
    /// At this path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Sealed data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Keys and what else must not lie with the data.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// A file among the keys.
    #[must_use]
    pub fn key(&self, name: &str) -> PathBuf {
        self.keys().join(name)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.0.join("gauze.toml")
    }

    /// Policies, to be read and edited by the privacy officer.
    #[must_use]
    pub fn policies(&self) -> PathBuf {
        self.0.join("policies")
    }

    /// `init` ran here.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.config().is_file()
    }
}

/// Writes a file that only this user may read, whole and durably; refuses to replace one.
///
/// # Errors
/// The system's.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    write_new(path, bytes, 0o600)
}

/// Writes a file that others may read.
///
/// # Errors
/// The system's.
pub fn write_public(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    write_new(path, bytes, 0o644)
}

/// The name appears only when the bytes are durable: a kill or a power cut leaves the whole file or none, never an empty key.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    if path.symlink_metadata().is_ok() {
        return Err(std::io::ErrorKind::AlreadyExists.into());
    }
    let temporary = temporary(path);
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {} // left behind by a kill
    }
    let mut file = std::fs::File::options().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename_new(&temporary, path).inspect_err(|_| drop(std::fs::remove_file(&temporary)))?;
    sync_folder_of(path)
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

/// Never replaces: between our look and this somebody else may have made the file (renameat2(2)).
fn rename_new(from: &Path, to: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // The file system does not know the flag: a second name cannot replace either.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            std::fs::hard_link(from, to)?;
            std::fs::remove_file(from)
        }
        other => Ok(other?),
    }
}

/// Reads a small text; what is longer is cut.
///
/// # Errors
/// The system's.
pub fn read_text(path: &Path, bytes: u64) -> std::io::Result<String> {
    use std::io::Read;
    let mut raw = Vec::new();
    std::fs::File::open(path)?.take(bytes).read_to_end(&mut raw)?;
    // What is not text is no note either: whoever reads it says so.
    Ok(String::from_utf8_lossy(&raw).into_owned())
}

/// Removes a file durably.
///
/// # Errors
/// The system's.
pub fn remove(path: &Path) -> std::io::Result<()> {
    std::fs::remove_file(path)?;
    sync_folder_of(path)
}

fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

/// Makes a folder that only this user may enter.
///
/// # Errors
/// The system's.
pub fn make_private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(test)]
mod tests;
