//! Key files: sealed under a passphrase (Argon2id, RFC 9106), or plain with mode 0600 for the demo.

use crate::{Error, KeySource, outside};
use argon2::{Algorithm, Argon2, Params, Version};
use crypto::{Key, Random, aead};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const SEALED_MAGIC: &[u8; 8] = b"GZKEYPW1";
const PLAIN_MAGIC: &[u8; 8] = b"GZKEYPL1";
/// 256 MiB, 3 passes, 1 lane: a guess costs an attacker as much as it costs us, once a start.
const COST: [u32; 3] = [256 << 10, 3, 1];
/// A damaged file must not ask for all memory.
const MEMORY_KIB: u32 = 1 << 20;

/// A key file sealed under a passphrase: `magic(8) ‖ cost(12) ‖ salt(16) ‖ nonce ‖ AES-256-GCM(key)`.
pub struct Sealed {
    path: PathBuf,
    data: PathBuf,
    passphrase: Zeroizing<String>,
    cost: [u32; 3],
}

impl Sealed {
    /// At `path`, never below `data`.
    #[must_use]
    pub fn new(path: &Path, data: &Path, passphrase: String) -> Self {
        Self { path: path.into(), data: data.into(), passphrase: Zeroizing::new(passphrase), cost: COST }
    }

    #[cfg(test)]
    fn cheap(mut self) -> Self {
        self.cost = [64, 1, 1];
        self
    }

    fn stretch(&self, cost: [u32; 3], salt: &[u8]) -> Result<Key, Error> {
        let [memory, passes, lanes] = cost;
        if memory > MEMORY_KIB || passes > 64 || lanes > 16 {
            return Err(Error::Damaged);
        }
        let params = Params::new(memory, passes, lanes, Some(32)).map_err(|_| Error::Damaged)?;
        let mut out = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(self.passphrase.as_bytes(), salt, &mut *out)
            .map_err(|_| Error::Damaged)?;
        Ok(Key::from_bytes(*out))
    }
}

impl KeySource for Sealed {
    fn create(&self, random: &dyn Random) -> Result<Key, Error> {
        let root = Key::random(random)?;
        let mut salt = [0; 16];
        random.fill(&mut salt)?;
        let head = [&SEALED_MAGIC[..], &self.cost.map(u32::to_be_bytes).concat(), &salt].concat();
        let sealed = aead::seal(&self.stretch(self.cost, &salt)?, random, &head, root.dangerous_expose())?;
        write_new(&self.path, &self.data, &[head, sealed].concat())?;
        Ok(root)
    }

    fn root(&self) -> Result<Key, Error> {
        let bytes = read(&self.path, &self.data)?;
        let (head, sealed) = bytes.split_at_checked(36).ok_or(Error::Damaged)?;
        let rest = head.strip_prefix(SEALED_MAGIC).ok_or(Error::Damaged)?;
        let (cost, salt) = rest.split_first_chunk::<12>().ok_or(Error::Damaged)?;
        let mut numbers = cost.as_chunks::<4>().0.iter().map(|n| u32::from_be_bytes(*n));
        let cost = [(); 3].map(|()| numbers.next().unwrap_or(0));
        let opened = aead::open(&self.stretch(cost, salt)?, head, sealed);
        key(&opened.map_err(|_| Error::WrongPassphrase)?)
    }
}

/// A plain key file with mode 0600, for the demo: whoever has the file has the key.
pub struct Plain {
    path: PathBuf,
    data: PathBuf,
}

impl Plain {
    /// At `path`, never below `data`.
    #[must_use]
    pub fn new(path: &Path, data: &Path) -> Self {
        Self { path: path.into(), data: data.into() }
    }
}

impl KeySource for Plain {
    fn create(&self, random: &dyn Random) -> Result<Key, Error> {
        let root = Key::random(random)?;
        let bytes = Zeroizing::new([&PLAIN_MAGIC[..], root.dangerous_expose()].concat());
        write_new(&self.path, &self.data, &bytes)?;
        Ok(root)
    }

    fn root(&self) -> Result<Key, Error> {
        let bytes = read(&self.path, &self.data)?;
        key(bytes.strip_prefix(PLAIN_MAGIC).ok_or(Error::Damaged)?)
    }
}

/// The file is sealed under a passphrase.
///
/// # Errors
/// As [`KeySource::root`].
pub fn needs_passphrase(path: &Path, data: &Path) -> Result<bool, Error> {
    Ok(read(path, data)?.starts_with(SEALED_MAGIC))
}

fn key(bytes: &[u8]) -> Result<Key, Error> {
    bytes.try_into().map(Key::from_bytes).map_err(|_| Error::Damaged)
}

fn write_new(path: &Path, data: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().ok_or(Error::Damaged)?;
    std::fs::create_dir_all(folder)?;
    outside(path, data)?;
    let made = File::options().write(true).create_new(true).mode(0o600).open(path);
    let mut file = made.map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Error::Exists(path.into()),
        _ => Error::Io(e),
    })?;
    file.write_all(bytes)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn read(path: &Path, data: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let file = File::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::Missing(path.into()),
        _ => Error::Io(e),
    })?;
    outside(path, data)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        return Err(Error::Readable(path.into()));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(4096).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandom;

    /// What every source must do.
    fn suite(make: &dyn Fn(&Path, &Path) -> Box<dyn KeySource>) {
        let home = tempfile::tempdir().unwrap();
        let (data, path) = (home.path().join("data"), home.path().join("keys/root.key"));
        std::fs::create_dir_all(&data).unwrap();
        let source = make(&path, &data);
        assert!(matches!(source.root(), Err(Error::Missing(_))));
        let key = source.create(&SystemRandom).unwrap();
        assert_eq!(source.root().unwrap().dangerous_expose(), key.dangerous_expose());
        assert!(matches!(source.create(&SystemRandom), Err(Error::Exists(_))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(source.root(), Err(Error::Readable(_))));
        let inside = make(&data.join("keys/root.key"), &data);
        assert!(matches!(inside.create(&SystemRandom), Err(Error::InsideData(_))));
        std::os::unix::fs::symlink(&data, home.path().join("link")).unwrap();
        let linked = make(&home.path().join("link/root.key"), &data);
        assert!(matches!(linked.create(&SystemRandom), Err(Error::InsideData(_))));
    }

    #[test]
    fn all_sources() {
        suite(&|path, data| Box::new(Plain::new(path, data)));
        suite(&|path, data| Box::new(Sealed::new(path, data, "correct horse".into()).cheap()));
    }

    #[test]
    fn a_wrong_passphrase_is_told_and_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let (path, data) = (home.path().join("root.key"), home.path().join("data"));
        Sealed::new(&path, &data, "right".into()).cheap().create(&SystemRandom).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(Sealed::new(&path, &data, "wrong".into()).root(), Err(Error::WrongPassphrase)));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert!(needs_passphrase(&path, &data).unwrap());
    }
}
