//! What matching needs of a study, unpacked: no object references, digests or regions; those are in the sealed rows.

use super::Study;
use crate::{Error, Result};
use model::{Attributes, Id, PatientRef, Uid, tags};
use std::collections::BTreeSet;

/// How much of a study is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Patient and study level.
    Study,
    /// And its series.
    Series,
    /// And their instances.
    Instance,
}

/// A study as matching sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    pub uid: Uid,
    pub id: Id,
    pub patient: PatientRef,
    /// Version of the mask set.
    pub masks: u64,
    /// Durable series and instances.
    pub counts: (usize, usize),
    /// Instances whose recognition has not run.
    pub unexamined: usize,
    /// A class that is as if absent for secondary use.
    pub withheld: bool,
    pub modalities: Vec<String>,
    pub patient_attributes: Attributes,
    pub attributes: Attributes,
    /// Empty above [`Depth::Series`].
    pub series: Vec<CardSeries>,
}

/// A series of it.
#[derive(Debug, Clone, PartialEq)]
pub struct CardSeries {
    pub uid: Uid,
    pub attributes: Attributes,
    /// Durable instances that are not rejected; 0: nothing of it is to be seen.
    pub count: usize,
    /// Empty above [`Depth::Instance`].
    pub instances: Vec<CardInstance>,
}

/// An instance of that.
#[derive(Debug, Clone, PartialEq)]
pub struct CardInstance {
    pub sop_uid: Uid,
    pub attributes: Attributes,
    pub unexamined: bool,
}

impl Card {
    /// Of a study that is in memory whole; what is pending does not count.
    pub fn of(study: &Study, depth: Depth) -> Self {
        let record = &study.record;
        // Also those of which nothing is to be seen: what is packed names all series whose pages are to be read.
        let known = study.series.iter().filter(|s| s.instances.iter().any(|i| !i.pending) || s.empty());
        let series: Vec<CardSeries> = match depth {
            Depth::Study => Vec::new(),
            _ => known.map(|series| series_of(series, depth)).collect(),
        };
        Self {
            uid: record.uid.clone(),
            id: record.id,
            patient: record.patient,
            masks: record.masks.version,
            counts: (study.visible_series(), study.instances().count()),
            unexamined: study.instances().filter(|(_, i)| i.unexamined()).count(),
            withheld: crate::find::withheld(study),
            modalities: modalities(study),
            patient_attributes: record.patient_attributes.clone(),
            attributes: record.attributes.clone(),
            series,
        }
    }

    /// Attributes of patient and study level with what is counted (PS3.18 Table 10.6.3-3).
    pub fn answer(&self) -> Attributes {
        let mut out = self.patient_attributes.clone();
        out.extend(&self.attributes);
        out.set(tags::MODALITIES_IN_STUDY, *b"CS", self.modalities.iter().cloned());
        out.set(tags::NUMBER_OF_STUDY_RELATED_SERIES, *b"IS", [self.counts.0.to_string()]);
        out.set(tags::NUMBER_OF_STUDY_RELATED_INSTANCES, *b"IS", [self.counts.1.to_string()]);
        out.set(tags::INSTANCE_AVAILABILITY, *b"CS", ["ONLINE".to_owned()]);
        out
    }

    /// Order of answers: the day and the second, newest last; unreadable ones are the oldest.
    pub fn day(&self) -> u64 {
        let digits = |text: &str, wanted: usize| -> u64 {
            let mut digits: String = text.chars().filter(char::is_ascii_digit).take(wanted).collect();
            while digits.len() < wanted {
                digits.push('0');
            }
            digits.parse().unwrap_or(0)
        };
        let day = self.attributes.first(tags::STUDY_DATE);
        let fits = day.len() >= 8;
        if fits { digits(day, 8) * 1_000_000 + digits(self.attributes.first(tags::STUDY_TIME), 6) } else { 0 }
    }

    /// What people type to find it, for [`super::lines::Lines`].
    pub fn line(&self) -> String {
        line([&self.patient_attributes, &self.attributes])
    }
}

/// Name with its other forms, number, accession number, description; folded.
pub fn line<const N: usize>(attributes: [&Attributes; N]) -> String {
    let values = |tag: model::Tag| {
        let found = attributes.iter().filter_map(move |a| a.get(tag));
        found.flat_map(|attribute| attribute.values.iter().filter(|value| !value.is_empty()))
    };
    let mut out: Vec<String> = values(tags::PATIENT_NAME).map(|name| crate::find::name_line(name)).collect();
    for tag in [tags::PATIENT_ID, tags::ACCESSION_NUMBER, tags::STUDY_DESCRIPTION] {
        out.extend(values(tag).map(|text| crate::find::name_key(text)));
    }
    out.join("\u{1}")
}

fn series_of(series: &super::Series, depth: Depth) -> CardSeries {
    let visible = || series.instances.iter().filter(|i| i.shown());
    let instance = |i: &super::Instance| CardInstance {
        sop_uid: i.record.sop_uid.clone(),
        attributes: i.record.attributes.clone(),
        unexamined: i.unexamined(),
    };
    let instances = if depth == Depth::Instance { visible().map(instance).collect() } else { Vec::new() };
    CardSeries {
        uid: series.uid.clone(),
        attributes: series.attributes.clone(),
        count: visible().count(),
        instances,
    }
}

/// Modalities, sorted, each once.
fn modalities(study: &Study) -> Vec<String> {
    let set: BTreeSet<&str> = study.instances().map(|(s, _)| s.attributes.first(tags::MODALITY)).collect();
    set.into_iter().filter(|m| !m.is_empty()).map(str::to_owned).collect()
}

/// What does not decode is damage or somebody's hand.
pub fn whole<T>(read: Option<T>) -> Result<T> {
    read.ok_or(Error::Record)
}
