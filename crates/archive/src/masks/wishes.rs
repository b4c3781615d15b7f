//! What people want hidden wherever it is seen, on films that are to come, too: parts of the body, and shapes on all films of
//! one view or one series. Kept by patient, laid over each film when it leaves.

use crate::catalog::{Instance, Study};
use model::{HoldsFor, ImageInfo, PatientRef, Region, RegionKind, Role, Time, Uid};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::sync::Arc;

/// All that is wished of one patient's films.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WishRecord {
    /// Whose films.
    pub patient: PatientRef,
    /// Of the row, from 1.
    pub version: u64,
    /// By account.
    pub of: Vec<Author>,
}

impl WishRecord {
    /// What one account wishes here.
    pub fn by(&self, user: &str) -> Option<&Author> {
        self.of.iter().find(|author| author.user == user)
    }
}

/// What one account wishes, and for whom all that it draws holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Author {
    /// Account.
    pub user: String,
    /// Its role then.
    pub role: String,
    /// For whom.
    pub holds: HoldsFor,
    /// What.
    pub wishes: Vec<Wish>,
}

/// A state of the wishes kept under one reference, as it was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WishedRecord {
    /// Account.
    pub by: String,
    /// Its role then.
    pub role: String,
    /// When.
    pub at: Time,
    /// All of it.
    pub state: WishRecord,
}

/// One wish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Wish {
    /// A part of the body, wherever it is seen.
    Part(RegionKind),
    /// A shape on many films, in shares of width and height (0..=1).
    Shape {
        /// On which.
        on: On,
        /// Corners, `[column, row]`.
        polygon: Vec<[f32; 2]>,
    },
}

/// The films of a patient that a shape is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum On {
    /// Of a series.
    Series(Uid),
    /// Of a view, as their headers say it.
    View {
        /// (0008,0060).
        modality: String,
        /// (0018,0015).
        body_part: String,
        /// (0018,5101).
        view_position: String,
    },
}

impl On {
    /// Films like this one.
    pub fn view_of(image: &ImageInfo) -> Self {
        Self::View {
            modality: image.modality.clone(),
            body_part: image.body_part.clone(),
            view_position: image.view_position.clone(),
        }
    }

    fn is(&self, series: &Uid, image: &ImageInfo) -> bool {
        match self {
            Self::Series(uid) => uid == series,
            view @ Self::View { .. } => *view == Self::view_of(image),
        }
    }
}

/// What is wished of the films of one patient, by all accounts, as it is at one moment. A patient into whom others were
/// merged has their wishes, too.
#[derive(Debug, Clone, Default)]
pub struct Wishes(pub Vec<Arc<WishRecord>>);

impl Wishes {
    /// Moves with every change.
    pub fn version(&self) -> u64 {
        self.0.iter().map(|record| record.version).sum()
    }

    /// Version of what is hidden on a study: its own mask set and what is wished of its patient's films.
    pub fn with(&self, study: &Study) -> u64 {
        study.record.masks.version.saturating_add(self.version())
    }

    /// What one account said, under whatever references.
    pub fn of(&self, user: &str) -> impl Iterator<Item = &Author> {
        self.authors().filter(move |author| author.user == user)
    }

    /// Names this state and the study's own mask set: never the same for two that differ.
    pub fn stamp(&self, masks: u64) -> String {
        let mut out = masks.to_string();
        for record in &self.0 {
            let _ = write!(out, "/{}.{}", record.patient.hex(), record.version);
        }
        out
    }

    fn authors(&self) -> impl Iterator<Item = &Author> {
        self.0.iter().flat_map(|record| &record.of)
    }

    /// For whom holds what this account drew.
    pub fn holds_for(&self, user: &str) -> HoldsFor {
        self.of(user).map(|author| author.holds).max().unwrap_or(HoldsFor::Related)
    }

    /// For whom at most anything holds on this study's films; nothing: nobody drew or wishes.
    pub fn at_most(&self, study: &Study) -> Option<HoldsFor> {
        let wished = self.authors().filter(|author| !author.wishes.is_empty()).map(|author| author.holds);
        let drawn = study.record.masks.regions.iter().map(|(_, _, by)| self.holds_for(by));
        wished.chain(drawn).max()
    }

    /// What is wished of one film, and for whom it holds.
    pub fn on(&self, series: &Uid, instance: &Instance) -> Vec<(Region, HoldsFor)> {
        let record = &instance.record;
        let Some(image) = &record.image else { return Vec::new() };
        // Of what recognition doubted, nothing counts as recognised, and the header does not open it.
        let sure = record.seen.as_ref().filter(|seen| !seen.fallback).map(|seen| &*seen.regions);
        let mut out = Vec::new();
        for author in self.authors() {
            for wish in &author.wishes {
                let regions = match wish {
                    Wish::Part(kind) => part(*kind, image, sure, &author.role),
                    Wish::Shape { on, polygon } if on.is(series, image) => {
                        vec![shape(polygon, image, &author.role)]
                    }
                    Wish::Shape { .. } => Vec::new(),
                };
                out.extend(regions.into_iter().map(|region| (region, author.holds)));
            }
        }
        out
    }
}

/// Parts of the body on one film, where they may be seen, as if its patient wished them hidden.
pub fn parts(kinds: &[RegionKind], instance: &Instance) -> Vec<Region> {
    let record = &instance.record;
    let Some(image) = &record.image else { return Vec::new() };
    let sure = record.seen.as_ref().filter(|seen| !seen.fallback).map(|seen| &*seen.regions);
    kinds.iter().flat_map(|kind| part(*kind, image, sure, Role::Patient.as_str())).collect()
}

/// Where the part was recognised; the whole frame where it may be seen and was not.
fn part(kind: RegionKind, image: &ImageInfo, sure: Option<&[Region]>, role: &str) -> Vec<Region> {
    let found = sure.unwrap_or_default().iter();
    let there: Vec<Region> = found.filter(|region| region.kind == kind).cloned().collect();
    if sure.is_none() || there.is_empty() && privacy::may_show(image, kind) {
        return vec![shape(&[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], image, role)];
    }
    there
}

fn shape(polygon: &[[f32; 2]], image: &ImageInfo, role: &str) -> Region {
    #[expect(clippy::cast_precision_loss, reason = "at most 65,535, exact in f32")]
    let (columns, rows) = (image.columns as f32, image.rows as f32);
    Region {
        kind: RegionKind::Drawn,
        frame: None,
        polygon: polygon.iter().map(|[x, y]| [x * columns, y * rows]).collect(),
        source: role.to_owned(),
        confidence: 1.0,
    }
}

#[cfg(test)]
mod tests;
