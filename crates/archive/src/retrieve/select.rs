//! Which instances a request names.

use crate::catalog::{Instance, Series, Study};
use model::{Uid, Words};
use port::archive::Retrieve;

/// Translates UIDs between the caller's world and ours.
pub struct Names<'a> {
    /// The words of the grant.
    pub words: Words,
    /// The project's UID for one of ours.
    pub pseudonym: &'a dyn Fn(&Uid) -> Uid,
}

impl Names<'_> {
    /// The UID by which this caller knows one of ours.
    pub fn shown(&self, uid: &Uid) -> Uid {
        match self.words {
            Words::Pseudonymous => (self.pseudonym)(uid),
            _ => uid.clone(),
        }
    }

    fn is(&self, ours: &Uid, asked: Option<&Uid>) -> bool {
        asked.is_none_or(|asked| *asked == self.shown(ours))
    }
}

/// Durable instances of the study that the request names, in order of arrival.
pub fn select<'a>(study: &'a Study, ask: &Retrieve, names: &Names<'_>) -> Vec<(&'a Series, &'a Instance)> {
    let series = study.instances().filter(|(s, _)| names.is(&s.uid, ask.series.as_ref()));
    series.filter(|(_, i)| names.is(&i.record.sop_uid, ask.instance.as_ref())).collect()
}
