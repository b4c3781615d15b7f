//! One DICOM file on this machine, read within the limits of a door, for the commands that need no archive.

use dicom::{Intake, Parsed};
use model::{ImageInfo, Region, RegionKind, limits};
use pixels::Deadline;
use port::pixels::{Examined, FrameLease, Mask, Output};
use port::{Code, Fault};
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

/// Frames of one file that are looked at, from the first, as in the archive; of a longer one all is hidden.
const FRAMES_LOOKED_AT: u32 = 2_000;

/// A file whose header was read.
pub struct Local {
    file: File,
    stamp: Stamp,
    /// Facts and head.
    pub parsed: Parsed,
    /// SHA-256 of the whole file.
    pub digest: [u8; 32],
}

/// Size, times of change of content and of inode: whoever writes into a file changes one of them.
type Stamp = [i128; 5];

/// Why a file is none of ours.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The system's.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is not what it should be.
    #[error("{0}")]
    Dicom(#[from] dicom::Error),
}

impl Local {
    /// Reads a file through the same bounded intake as every door.
    ///
    /// # Errors
    /// Why it is refused, in words that name no value of it.
    pub fn open(path: &Path) -> Result<Self, Unread> {
        Self::read(path, Intake::of_a_file_that_stays())
    }

    /// The same of a file with all identifiers of an instance.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn instance(path: &Path) -> Result<Self, Unread> {
        Self::read(path, Intake::new())
    }

    fn read(path: &Path, mut intake: Intake) -> Result<Self, Unread> {
        let mut file = File::open(path)?;
        let stamp = stamp(&file.metadata()?);
        let mut digest = crypto::Digest::new();
        let mut buffer = vec![0; limits::CHUNK_BYTES];
        loop {
            let len = file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..len).filter(|b| !b.is_empty()) else { break };
            digest.update(bytes);
            intake.push(bytes)?;
        }
        let parsed = intake.finish()?;
        Ok(Self { file, stamp, parsed, digest: digest.finish() })
    }

    /// Nobody wrote into it since it was opened.
    #[must_use]
    pub fn untouched(&self) -> bool {
        self.file.metadata().is_ok_and(|meta| stamp(&meta) == self.stamp)
    }

    /// The image.
    ///
    /// # Errors
    /// `unsupported` when there is none that the limits allow.
    pub fn image(&self) -> Result<&ImageInfo, Fault> {
        self.parsed.facts.image.as_ref().ok_or_else(|| Code::Unsupported.into())
    }

    /// The encoded bytes of a frame, 0-based.
    ///
    /// # Errors
    /// `not-found`, `too-large`, `cut`.
    pub fn fragments(&self, index: u32) -> Result<Vec<u8>, Fault> {
        let spans = self.parsed.facts.frames.get(index as usize).ok_or(Code::NotFound)?;
        let total: u64 = spans.iter().map(|s| s.len).sum();
        if total > limits::FRAME_BYTES as u64 + 1 {
            return Err(Code::TooLarge.into());
        }
        let mut out = Vec::new();
        for span in spans {
            let from = out.len();
            out.resize(from + usize::try_from(span.len).map_err(|_| Code::TooLarge)?, 0);
            let room = out.get_mut(from..).ok_or(Code::Internal)?;
            self.file.read_exact_at(room, span.offset).map_err(|_| Code::Cut)?;
        }
        Ok(out)
    }

    /// What recognition finds; `withheld` and nothing else when it cannot look.
    pub fn examine(&self, noise: [u8; 32]) -> Examined {
        let Ok(image) = self.image() else { return unseen() };
        let mut examiner = pixels::Examiner::new(image, noise, false);
        for number in 1..=image.frames.min(FRAMES_LOOKED_AT) {
            let Ok(bytes) = self.fragments(number - 1) else { return unseen() };
            examiner.frame(number, &bytes, &Deadline::never());
        }
        examiner.finish()
    }

    /// One frame through the archive's own gate.
    ///
    /// # Errors
    /// As [`pixels::frame`].
    pub fn redacted(&self, index: u32, mask: Option<Mask>, output: Output) -> Result<Vec<u8>, Fault> {
        let lease = FrameLease { image: self.image()?.clone(), frame: index, mask, output };
        let encoded = self.fragments(index)?;
        let done = pixels::frame(&lease, &self.parsed.head, &encoded, &Deadline::never());
        done.map(|(_, bytes)| bytes).map_err(Into::into)
    }
}

fn stamp(meta: &Metadata) -> Stamp {
    [
        meta.size().into(),
        meta.mtime().into(),
        meta.mtime_nsec().into(),
        meta.ctime().into(),
        meta.ctime_nsec().into(),
    ]
}

/// All that was found, for a viewer without any relation: markers stay, everything else is hidden.
pub fn mask_of(examined: &Examined, index: u32) -> Mask {
    Mask { regions: examined.regions.clone(), mosaic: examined.mosaics.get(index as usize).cloned() }
}

fn unseen() -> Examined {
    Examined {
        regions: Vec::new(),
        fallback: true,
        class: "unknown".to_owned(),
        level: 5,
        withheld: true,
        mosaics: Vec::new(),
        maskable: false,
    }
}

/// A region as `inspect` and the API show it.
pub fn region_json(region: &Region) -> serde_json::Value {
    debug_assert!(RegionKind::ALL.contains(&region.kind));
    serde_json::json!({
        "kind": region.kind.as_str(),
        "source": region.source,
        "frame": region.frame,
        "confidence": region.confidence,
        "polygon": region.polygon,
    })
}
