//! Sealed objects and sidecars, wherever they lie now: in the log, in a pack, in a file of their own.

use crate::blob::{self, BlobReader, Part, SIDE, Spool};
use crate::rows::Place;
use crate::{Error, Result, Store, pack, segment};
use model::{Id, Tenant};
use std::path::{Path, PathBuf};

/// Something may be moved between looking where it lies and opening it: then it is looked for again.
const LOOKS: usize = 4;
/// Places read at once.
const PLACES: usize = 1000;

/// What of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectPart {
    /// The object.
    Object,
    /// Its sidecar.
    Sidecar,
}

impl ObjectPart {
    const fn number(self) -> u8 {
        match self {
            Self::Object => pack::OBJECT,
            Self::Sidecar => pack::SIDECAR,
        }
    }

    const fn of(number: u8) -> Self {
        if number == pack::SIDECAR { Self::Sidecar } else { Self::Object }
    }

    const fn file(self) -> Part {
        match self {
            Self::Object => Part::Object,
            Self::Sidecar => Part::Sidecar,
        }
    }
}

/// Where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectPlace {
    /// In a file of its own.
    File {
        /// The file.
        path: PathBuf,
        /// Its length.
        len: u64,
    },
    /// In a pack, or in a segment of the log that will be one. A pack does not change any more.
    Packed {
        /// Its number.
        pack: u64,
        /// Where it is now.
        path: PathBuf,
        /// First byte.
        at: u64,
        /// Bytes.
        len: u64,
    },
}

/// What of a pack is still named by something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackUse {
    /// Its number.
    pub number: u64,
    /// Bytes of objects and sidecars.
    pub bytes: u64,
    /// Those whose keys are destroyed, or that a newer sidecar replaced.
    pub dead: u64,
}

impl Store {
    /// A sealed object.
    ///
    /// # Errors
    /// [`Error::Missing`], the system's.
    pub fn object(&self, tenant: &Tenant, id: Id) -> Result<BlobReader> {
        self.reader(tenant, id, ObjectPart::Object)
    }

    /// A sealed sidecar, whole.
    ///
    /// # Errors
    /// [`Error::Missing`], the system's.
    pub fn sidecar(&self, tenant: &Tenant, id: Id) -> Result<Vec<u8>> {
        let reader = self.reader(tenant, id, ObjectPart::Sidecar)?;
        let len = usize::try_from(reader.len()).ok().filter(|len| *len <= segment::BLOB_BYTES);
        let mut bytes = vec![0; len.ok_or(Error::Damaged("sidecar"))?];
        reader.read(0, &mut bytes)?;
        Ok(bytes)
    }

    /// A place for an object that is too large for the log.
    ///
    /// # Errors
    /// The system's.
    pub fn spool(&self, tenant: &Tenant, id: Id) -> Result<Spool> {
        Spool::new(&self.shared.data, tenant, id)
    }

    /// All objects and sidecars with their places: what is in the log first, then what is in packs, then files. What arrives
    /// or moves meanwhile may be left out or come twice. No lock is held while `each` runs.
    ///
    /// # Errors
    /// The database's, the system's.
    pub fn each_object(&self, each: &mut dyn FnMut(&Tenant, Id, ObjectPart, &ObjectPlace)) -> Result<()> {
        for (tenant, id, part, place) in self.in_the_log()? {
            each(&tenant, id, part, &place);
        }
        let mut last: Option<Place> = None;
        loop {
            let places = self.shared.tables().places_after(last.as_ref(), PLACES)?;
            for place in &places {
                let found = self.packed(place.pack, place.at, place.len);
                each(&place.tenant, place.id, ObjectPart::of(place.part), &found);
            }
            match places.into_iter().next_back() {
                Some(place) => last = Some(place),
                None => break,
            }
        }
        each_file(&self.shared.data.join("blobs"), each)
    }

    /// What packs hold, and how much of it is dead.
    ///
    /// # Errors
    /// The database's.
    pub fn packs(&self) -> Result<Vec<PackUse>> {
        let tables = self.shared.tables();
        let mut out = Vec::new();
        for number in tables.packs()? {
            if let Some(pack) = tables.pack(number)? {
                out.push(PackUse { number, bytes: pack.bytes, dead: pack.dead });
            }
        }
        Ok(out)
    }

    fn reader(&self, tenant: &Tenant, id: Id, part: ObjectPart) -> Result<BlobReader> {
        let mut failed = Error::Missing;
        for _ in 0..LOOKS {
            let Some(place) = self.place(tenant, id, part)? else { return Err(Error::Missing) };
            let opened = match &place {
                ObjectPlace::File { path, .. } => BlobReader::new(path, 0, None),
                ObjectPlace::Packed { path, at, len, .. } => BlobReader::new(path, *at, Some(*len)),
            };
            match opened {
                Ok(reader) => return Ok(reader),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => failed = Error::Missing,
                Err(e) => failed = e.into(),
            }
        }
        Err(failed)
    }

    /// Where it lies at this moment.
    fn place(&self, tenant: &Tenant, id: Id, part: ObjectPart) -> Result<Option<ObjectPlace>> {
        if let Some(place) = self.logged(tenant, id, part) {
            return Ok(Some(place));
        }
        if let Some((pack, at, len)) = self.shared.tables().place(tenant, id, part.number())? {
            return Ok(Some(self.packed(pack, at, len)));
        }
        let path = blob::path(&self.shared.data.join("blobs"), tenant, id, part.file());
        match std::fs::metadata(&path) {
            Ok(metadata) => Ok(Some(ObjectPlace::File { path, len: metadata.len() })),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    fn logged(&self, tenant: &Tenant, id: Id, part: ObjectPart) -> Option<ObjectPlace> {
        let overlay = self.shared.overlay();
        let name = (tenant.clone(), id);
        let packed = match part {
            ObjectPart::Object => overlay.objects.get(&name).map(|(_, packed)| packed.as_ref()),
            ObjectPart::Sidecar => overlay.sidecars.get(&name).map(|(_, packed)| Some(packed)),
        }?;
        Some(match packed {
            Some(p) => self.packed(p.segment, p.at, p.len),
            None => self.spooled(tenant, id),
        })
    }

    fn spooled(&self, tenant: &Tenant, id: Id) -> ObjectPlace {
        let spool = blob::spool_path(&self.shared.data, tenant, id);
        let own = blob::path(&self.shared.data.join("blobs"), tenant, id, Part::Object);
        let path = if spool.is_file() { spool } else { own };
        let len = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        ObjectPlace::File { path, len }
    }

    fn packed(&self, number: u64, at: u64, len: u64) -> ObjectPlace {
        let pack = pack::path(&self.shared.data, number);
        let path =
            if pack.is_file() { pack } else { segment::path(&self.shared.data.join("intake"), number) };
        ObjectPlace::Packed { pack: number, path, at, len }
    }

    fn in_the_log(&self) -> Result<Vec<(Tenant, Id, ObjectPart, ObjectPlace)>> {
        let names: Vec<(Tenant, Id, ObjectPart)> = {
            let overlay = self.shared.overlay();
            let objects = overlay.objects.keys().map(|(t, id)| (t.clone(), *id, ObjectPart::Object));
            objects
                .chain(overlay.sidecars.keys().map(|(t, id)| (t.clone(), *id, ObjectPart::Sidecar)))
                .collect()
        };
        let logged = |(tenant, id, part): (Tenant, Id, ObjectPart)| {
            let place = self.logged(&tenant, id, part)?;
            Some((tenant, id, part, place))
        };
        Ok(names.into_iter().filter_map(logged).collect())
    }
}

fn each_file(blobs: &Path, each: &mut dyn FnMut(&Tenant, Id, ObjectPart, &ObjectPlace)) -> Result<()> {
    for owner in std::fs::read_dir(blobs)?.flatten() {
        let Ok(tenant) = owner.file_name().to_string_lossy().parse::<Tenant>() else { continue };
        for fan in std::fs::read_dir(owner.path())?.flatten().filter(|e| e.path().is_dir()) {
            for file in std::fs::read_dir(fan.path())? {
                let file = file?;
                let name = file.file_name().to_string_lossy().into_owned();
                let (hex, part) = match name.strip_suffix(SIDE) {
                    Some(hex) => (hex, ObjectPart::Sidecar),
                    None => (name.as_str(), ObjectPart::Object),
                };
                if let Ok(id) = hex.parse::<Id>() {
                    let len = file.metadata()?.len();
                    each(&tenant, id, part, &ObjectPlace::File { path: file.path(), len });
                }
            }
        }
    }
    Ok(())
}
