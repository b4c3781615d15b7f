//! Heads of objects that leave de-identified as files of their own, outside any archive, with an account of what was done to each
//! attribute. Every object keeps the UID that its pseudonym is, so that references between the objects of a set hold.

use crate::head::{decoded, native_len, part10};
use crate::{Error, Result};
use dicom::read_head;
use model::{ImageInfo, Uid};
use privacy::{Account, Derivation, Options, RecordError, Refused};

/// How an object is to leave.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// Key of the project's pseudonyms.
    pub project_key: &'a [u8; 32],
    /// Options beside the basic profile.
    pub options: Options,
    /// Encapsulated documents leave, unread.
    pub documents: bool,
}

/// A head and what became of its attributes.
pub type Left = (Vec<u8>, Account);

/// The head of an object whose frames follow masked and native, up to and with the header of its pixel data.
///
/// # Errors
/// As [`crate::head`].
pub fn image(leaving: &Leaving<'_>, image: &ImageInfo, sop_uid: &Uid, stored_head: &[u8]) -> Result<Left> {
    let mut head = read_head(stored_head)?;
    let mut account = Account::default();
    let key = leaving.project_key;
    privacy::deidentify_with(&mut head.object, key, leaving.options, &mut |path, done| {
        account.note(path, done)
    })?;
    let image = decoded(image);
    let source = privacy::derived_uid(key, sop_uid.as_str());
    let derivation = Derivation {
        image: Some(&image),
        source: Some(&source),
        masked: true,
        deidentified: true,
        safe_private: leaving.options.has(privacy::ProfileOption::RetainSafePrivate),
        ..Derivation::default()
    };
    privacy::derive(&mut head.object, &derivation)?;
    account.settle(&head.object);
    Ok((part10(&mut head, Some(native_len(&image)?))?, account))
}

/// The whole file of an object without a picture; the inner error says why it may not leave.
///
/// # Errors
/// As [`crate::head`].
pub fn record(leaving: &Leaving<'_>, stored_head: &[u8]) -> Result<std::result::Result<Left, Refused>> {
    let mut head = read_head(stored_head)?;
    let mut account = Account::default();
    let how = (leaving.options, leaving.documents);
    let sink = &mut |path: &[model::Tag], done| account.note(path, done);
    match privacy::record(&mut head.object, leaving.project_key, how, sink) {
        Ok(()) => {}
        Err(RecordError::Refused(refused)) => return Ok(Err(refused)),
        Err(RecordError::Dicom(error)) => return Err(Error::Head(error)),
    }
    account.settle(&head.object);
    Ok(Ok((part10(&mut head, None)?, account)))
}
