//! What a patient has said of secondary use: to whom, for what, how long and how far (FHIR R4 Consent, IHE PCF). Pure: which
//! of her consents count is settled here, what follows is settled by the rules.

use crate::facts::Caller;
use model::{Bounds, Id, Purpose, Recipient, RegionKind, Says, Time};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// One consent that was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// What for.
    pub purpose: Purpose,
    /// For whom.
    pub recipient: Recipient,
    /// Of one study; nothing: of all her films.
    pub study: Option<Id>,
    /// Yes or no; nothing: an earlier no was taken back.
    pub says: Option<Says>,
    /// How far.
    pub bounds: Bounds,
    /// When it was settled: a later word about the same replaces an earlier one.
    pub decided: Time,
}

/// What her consents say to one question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentFacts {
    /// Version of the patient's consents; 0: she has none, or they do not matter here.
    pub version: u64,
    /// She agreed, and nothing that she said refuses.
    pub consented: bool,
    /// She refused or withdrew, or of what she agreed to nothing holds here and now.
    pub refused: bool,
    /// She agreed to be seen under her own name.
    pub identified: bool,
    /// What is hidden beside what recognition finds.
    pub hidden: Vec<RegionKind>,
    /// Pixels.
    pub longest_side: Option<u32>,
    /// When this may be another answer.
    pub until: Option<Time>,
}

/// Who asks, and of what.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What for.
    pub purpose: Purpose,
    /// Who.
    pub caller: &'a Caller,
    /// Works abroad.
    pub abroad: bool,
    /// What.
    pub study: Id,
    /// When.
    pub now: Time,
}

impl ConsentFacts {
    /// Of all consents of the patient. Of all words about the film, the purpose and one recipient the latest counts; among
    /// the rest a no beats every yes, and of several yes the narrowest counts. A yes of which none holds here and now is a no:
    /// else the site's approval would open, without her boundaries, what she let go within them. Nothing is said of treatment.
    #[must_use]
    pub fn of(version: u64, consents: &[Consent], asked: &Asked<'_>) -> Self {
        if !asked.purpose.secondary() {
            return Self::default();
        }
        let mut out = Self { version, ..Self::default() };
        let counts = counting(consents, asked);
        out.until = counts.iter().filter_map(|consent| consent.bounds.turns(asked.now)).min();
        let now = || counts.iter().filter(|consent| consent.bounds.holds_at(asked.now));
        out.refused = now().any(|consent| consent.says == Some(Says::Deny));
        let here = |bounds: &Bounds| bounds.abroad || !asked.abroad;
        let yes: Vec<&Bounds> =
            now().filter(|c| c.says == Some(Says::Permit) && here(&c.bounds)).map(|c| &c.bounds).collect();
        if out.refused || yes.is_empty() {
            out.refused |= counts.iter().any(|consent| consent.says == Some(Says::Permit));
            return out;
        }
        out.consented = true;
        out.identified = yes.iter().all(|bounds| bounds.identified);
        out.longest_side = yes.iter().filter_map(|bounds| bounds.longest_side).min();
        out.hidden = yes.iter().flat_map(|bounds| bounds.hidden.iter().copied()).collect();
        out.hidden.sort_unstable();
        out.hidden.dedup();
        out
    }
}

/// A word, and its place among all of them, oldest first.
type Word<'a> = (usize, &'a Consent);

/// The last word about each recipient, of those that this question is about: who refused all may let one film go, and who let
/// all go may refuse one.
fn counting<'a>(consents: &'a [Consent], asked: &Asked<'_>) -> Vec<&'a Consent> {
    let Caller { user, organisation, role, .. } = asked.caller;
    let about = consents.iter().filter(|consent| {
        consent.says.is_some()
            && consent.purpose == asked.purpose
            && consent.recipient.is(user, &organisation.0, *role)
            && consent.study.is_none_or(|study| study == asked.study)
    });
    let mut about: Vec<&Consent> = about.collect();
    about.sort_by_key(|consent| consent.decided);
    let mut last: HashMap<Recipient, [Option<Word<'_>>; 2]> = HashMap::new();
    for word in about.into_iter().enumerate() {
        let [all, film] = last.entry(word.1.recipient.folded()).or_default();
        *(if word.1.study.is_none() { all } else { film }) = Some(word);
    }
    last.into_values().filter_map(|[all, film]| counts(all, film)).collect()
}

/// Of her last words about all films and about this one the later. A no that was taken back is no word: it is as if she had not
/// said it, and what else she said counts.
fn counts<'a>(all: Option<Word<'a>>, film: Option<Word<'a>>) -> Option<&'a Consent> {
    all.into_iter().chain(film).max_by_key(|word| word.0).map(|word| word.1)
}

#[cfg(test)]
mod tests;
