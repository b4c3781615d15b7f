//! The ladder: root key → generation key → patient key → object key. Patient and object keys are random and wrapped, so
//! that destroying a wrap destroys what it opens; everything else is derived and named by its label.

use crate::key::named;
use crate::{Error, Key, Random, SigningKey, aead};

/// Generation of the root in use; part of every header and row.
pub const GENERATION: u32 = 1;

/// Keys that hang on the root.
pub struct Ladder {
    wraps: Key,
    rows: Key,
    names: Key,
    tokens: Key,
    projects: Key,
    tallies: Key,
    signing: Key,
}

/// A patient's key: opens the wraps of her objects.
pub struct PatientKey(Key);

impl Ladder {
    /// From the root key.
    ///
    /// # Errors
    /// [`Error::Primitive`] never.
    pub fn new(root: &Key) -> Result<Self, Error> {
        let generation = root.derive("gauze/1/generation", &[&GENERATION.to_be_bytes()])?;
        Ok(Self {
            wraps: generation.derive("gauze/1/wraps", &[])?,
            rows: generation.derive("gauze/1/rows", &[])?,
            names: root.derive("gauze/1/names", &[])?,
            tokens: root.derive("gauze/1/tokens", &[])?,
            projects: root.derive("gauze/1/projects", &[])?,
            tallies: root.derive("gauze/1/tallies", &[])?,
            signing: root.derive("gauze/1/signing", &[])?,
        })
    }

    /// Keyed hash of a unique identifier: the key of a row or wrap.
    #[must_use]
    pub fn name(&self, kind: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.names.mac(kind, parts)
    }

    /// Keyed hash of a token.
    #[must_use]
    pub fn token_hash(&self, token: &str) -> [u8; 32] {
        self.tokens.mac("gauze/1/token", &[token.as_bytes()])
    }

    /// The key under which one row is sealed.
    ///
    /// # Errors
    /// [`Error::Primitive`] never.
    pub fn row_key(&self, name: &[u8; 32]) -> Result<Key, Error> {
        self.rows.derive("gauze/1/row", &[name])
    }

    /// The key of a project's pseudonyms in a tenant.
    ///
    /// # Errors
    /// [`Error::Primitive`] never.
    pub fn project_key(&self, tenant: &str, project: &str) -> Result<Key, Error> {
        self.projects.derive("gauze/1/project", &[tenant.as_bytes(), project.as_bytes()])
    }

    /// The key of the tally of rows and wraps.
    ///
    /// # Errors
    /// [`Error::Primitive`] never.
    pub fn tally_key(&self) -> Result<Key, Error> {
        self.tallies.derive("gauze/1/tally", &[])
    }

    /// The key that signs the ledger's checkpoints.
    ///
    /// # Errors
    /// [`Error::Primitive`] never.
    pub fn signing_key(&self) -> Result<SigningKey, Error> {
        SigningKey::from_seed(self.signing.dangerous_expose())
    }

    /// Wraps a key under the generation; `place` is who it belongs to.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn wrap(&self, random: &dyn Random, place: &[&[u8]], key: &Key) -> Result<Vec<u8>, Error> {
        aead::seal(&self.wraps, random, &named("gauze/1/wrap", place), key.dangerous_expose())
    }

    /// The reverse.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub fn unwrap(&self, place: &[&[u8]], wrap: &[u8]) -> Result<Key, Error> {
        opened(aead::open(&self.wraps, &named("gauze/1/wrap", place), wrap)?)
    }
}

impl PatientKey {
    /// Of an unwrapped or new key.
    #[must_use]
    pub const fn new(key: Key) -> Self {
        Self(key)
    }

    /// The key itself, to be wrapped.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.0
    }

    /// Wraps an object's key. The patient is bound here and not in the object, so that moving a study to another patient
    /// re-wraps keys and rewrites no object (DESIGN.md §3).
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn wrap(
        &self,
        random: &dyn Random,
        (tenant, patient, object): (&str, &[u8; 16], &[u8; 16]),
        key: &Key,
    ) -> Result<Vec<u8>, Error> {
        let place = named("gauze/1/object-wrap", &[tenant.as_bytes(), patient, object]);
        aead::seal(&self.0, random, &place, key.dangerous_expose())
    }

    /// The reverse.
    ///
    /// # Errors
    /// [`Error::Broken`], also when the object is another patient's.
    pub fn unwrap(
        &self,
        (tenant, patient, object): (&str, &[u8; 16], &[u8; 16]),
        wrap: &[u8],
    ) -> Result<Key, Error> {
        opened(aead::open(
            &self.0,
            &named("gauze/1/object-wrap", &[tenant.as_bytes(), patient, object]),
            wrap,
        )?)
    }
}

fn opened(mut bytes: Vec<u8>) -> Result<Key, Error> {
    let key = <[u8; 32]>::try_from(bytes.as_slice()).map(Key::from_bytes).map_err(|_| Error::Broken);
    zeroize::Zeroize::zeroize(&mut bytes);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::tests::Counting;

    #[test]
    fn a_wrap_opens_for_its_patient_and_object_only() {
        let (random, key) = (Counting::default(), Key::from_bytes([9; 32]));
        let patient = PatientKey::new(Key::from_bytes([1; 32]));
        let wrap = patient.wrap(&random, ("main", &[2; 16], &[3; 16]), &key).unwrap();
        let opened = patient.unwrap(("main", &[2; 16], &[3; 16]), &wrap).unwrap();
        assert_eq!(opened.dangerous_expose(), key.dangerous_expose());
        for place in
            [("other", &[2; 16], &[3; 16]), ("main", &[4; 16], &[3; 16]), ("main", &[2; 16], &[4; 16])]
        {
            assert!(patient.unwrap(place, &wrap).is_err());
        }
        let other = PatientKey::new(Key::from_bytes([5; 32]));
        assert!(other.unwrap(("main", &[2; 16], &[3; 16]), &wrap).is_err());
    }
}
