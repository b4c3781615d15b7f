//! The cases that rules can tell apart, one by one: roles, purposes, ties and what else they may ask about, with the
//! constants that stand in the rules themselves.

use crate::consent::ConsentFacts;
use crate::facts::{Caller, Facts, Relation, RelationKind, Standing, StudyFacts};
use crate::policies::Policies;
use crate::rights::Asker;
use model::{Id, Organisation, Purpose, Role, Tenant, Time};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Constants of a set that are tried; of more, the first in alphabetical order.
pub const CONSTANTS: usize = 16;

/// A Wednesday, 12:00 UTC.
pub const NOON: Time = Time(1_795_608_000_000_000_000);
const STUDY: Id = Id([1; 16]);
const PATIENT: Id = Id([2; 16]);

/// What else than the usual words rules compare facts with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constants {
    words: Vec<String>,
    hours: Vec<i64>,
    levels: bool,
    weekdays: bool,
    glass: bool,
    consent: bool,
    /// Bits of [`SWITCHES`] that some rule asks about.
    switches: u8,
    relations: Vec<RelationKind>,
    /// There were more than are tried.
    pub cut: bool,
}

impl Constants {
    /// Of a set.
    #[must_use]
    pub fn of(policies: &Policies) -> Self {
        let mut found = Found::default();
        policies.each_json(&mut |rule| found.walk(rule));
        let known: BTreeSet<&str> = (Role::ALL.iter().map(|r| r.as_str()))
            .chain(Purpose::ALL.iter().map(|p| p.as_str()))
            .chain(RelationKind::ALL.iter().map(|k| k.as_str()))
            .chain(Standing::SEES.iter().chain(Standing::ACTS).copied())
            .chain(["none"])
            .collect();
        let relations = RelationKind::ALL.iter().copied().filter(|k| found.words.contains(k.as_str()));
        let words: Vec<String> =
            found.words.iter().filter(|w| !known.contains(w.as_str())).cloned().collect();
        let asks = |attribute: &str| found.attributes.contains(attribute);
        // A rule can change its mind at a number or beside it.
        let hours = found.numbers.iter().flat_map(|n| [n.saturating_sub(1), *n, n.saturating_add(1)]);
        let hours: BTreeSet<i64> = hours.filter(|h| asks("hour") && (0..24).contains(h)).collect();
        Self {
            cut: words.len() > CONSTANTS,
            words: words.into_iter().take(CONSTANTS).collect(),
            hours: hours.into_iter().collect(),
            levels: asks("level"),
            weekdays: asks("weekday"),
            glass: asks("break_glass"),
            switches: SWITCHES.iter().enumerate().filter(|(_, name)| asks(name)).map(|(at, _)| 1 << at).sum(),
            consent: ["consented", "identified", "refused"].into_iter().any(asks),
            relations: relations.collect(),
        }
    }
}

#[derive(Default)]
struct Found {
    words: BTreeSet<String>,
    numbers: BTreeSet<i64>,
    attributes: BTreeSet<String>,
}

impl Found {
    /// Cedar's JSON form of a rule: `{"Value": …}` is a constant, `{"attr": …}` what is asked about, `{"Literal": …}` a part
    /// of a pattern.
    fn walk(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                for (key, inside) in map {
                    match (key.as_str(), inside) {
                        ("Value" | "Literal", Value::String(word)) => drop(self.words.insert(word.clone())),
                        ("Value", Value::Number(n)) => self.numbers.extend(n.as_i64()),
                        ("attr", Value::String(name)) => drop(self.attributes.insert(name.clone())),
                        _ => self.walk(inside),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|inside| self.walk(inside)),
            _ => {}
        }
    }
}

/// Changes one fact of a case.
type Change = Box<dyn Fn(&mut Facts)>;

/// Facts of somebody about an ordinary film of the chest at noon, by whom nothing was said.
#[must_use]
pub fn usual(role: Role, purpose: Option<Purpose>) -> Facts {
    let caller = Caller {
        user: role.as_str().to_owned(),
        role,
        organisation: Organisation("hospital".to_owned()),
        tenant: Tenant::main(),
        own_patient: None,
    };
    let study = StudyFacts {
        study: STUDY,
        tenant: Tenant::main(),
        patient: PATIENT,
        modalities: vec!["DX".to_owned()],
        body_parts: vec!["CHEST".to_owned()],
        level: 3,
        withheld_class: false,
    };
    Facts {
        caller,
        purpose,
        relations: Vec::new(),
        order_for_report: false,
        reason: None,
        study,
        research_approval: false,
        objection: false,
        glass_until: None,
        consent: ConsentFacts::default(),
        standing: Standing::default(),
        now: NOON,
        utc_offset_s: 0,
        mask: None,
    }
}

/// A relation that holds at [`NOON`].
#[must_use]
pub fn relation(kind: RelationKind) -> Relation {
    Relation { kind, source: String::new(), start: NOON, end: None }
}

/// Every case about a picture, each once.
pub(crate) fn pictures(
    constants: &Constants,
    each: &mut dyn FnMut(&Facts) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let changes = changes(constants);
    for role in Role::ALL {
        for purpose in Purpose::ALL.iter().copied().map(Some).chain([None]) {
            for mut facts in ties(*role, purpose, constants) {
                for bits in (0_u8..16).filter(|bits| bits & !constants.switches == 0) {
                    let bit = |n: u8| bits & (1 << n) != 0;
                    facts.reason = bit(0).then(|| "why".to_owned());
                    (facts.research_approval, facts.objection) = (bit(1), bit(2));
                    facts.study.withheld_class = bit(3);
                    each(&facts)?;
                    for change in &changes {
                        let mut changed = facts.clone();
                        change(&mut changed);
                        each(&changed)?;
                    }
                }
            }
        }
    }
    ControlFlow::Continue(())
}

/// What may be so or not, as rules ask for it.
const SWITCHES: [&str; 4] = ["reason", "approval", "objection", "withheld_class"];

/// What can tie such a caller to the study.
fn ties(role: Role, purpose: Option<Purpose>, constants: &Constants) -> Vec<Facts> {
    let plain = usual(role, purpose);
    match role {
        Role::Patient => {
            let mut own = plain.clone();
            own.caller.own_patient = Some(PATIENT);
            vec![plain, own]
        }
        Role::Device => {
            let standing = |sees: &&str| Standing { sees: (*sees).to_owned(), ..Standing::default() };
            Standing::SEES.iter().map(|sees| Facts { standing: standing(sees), ..plain.clone() }).collect()
        }
        _ => {
            let kinds = [RelationKind::Visit, RelationKind::Pool].into_iter();
            let kinds: BTreeSet<RelationKind> = kinds.chain(constants.relations.iter().copied()).collect();
            let none = std::iter::once(Vec::new());
            let relations = none.chain(kinds.into_iter().map(|kind| vec![relation(kind)]));
            let with = |relations: Vec<Relation>| {
                [false, true].map(|order| Facts {
                    order_for_report: order,
                    relations: relations.clone(),
                    ..plain.clone()
                })
            };
            relations.flat_map(with).collect()
        }
    }
}

fn changes(constants: &Constants) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    for word in &constants.words {
        let one = || vec![word.clone()];
        let (modality, part) = (one(), one());
        out.push(Box::new(move |f| f.study.modalities.clone_from(&modality)));
        out.push(Box::new(move |f| f.study.body_parts.clone_from(&part)));
        let (whom, machine) = (word.clone(), word.clone());
        out.push(Box::new(move |f| f.caller.organisation = Organisation(whom.clone())));
        out.push(Box::new(move |f| f.standing.ae.clone_from(&machine)));
    }
    if constants.consent {
        let said = [(true, false, false), (true, true, false), (false, false, true)];
        for (consented, identified, refused) in said {
            let consent =
                ConsentFacts { version: 1, consented, identified, refused, ..ConsentFacts::default() };
            out.push(Box::new(move |f| f.consent = consent.clone()));
        }
    }
    if constants.glass {
        out.push(Box::new(|f| f.glass_until = Some(NOON.plus_seconds(900))));
    }
    for level in (1..=5).filter(|_| constants.levels) {
        out.push(Box::new(move |f| f.study.level = level));
    }
    for day in (0..7).filter(|_| constants.weekdays) {
        out.push(Box::new(move |f| f.now = NOON.plus_seconds(day * 86_400)));
    }
    for hour in constants.hours.clone() {
        out.push(Box::new(move |f| f.now = NOON.plus_seconds((hour - 12) * 3_600)));
    }
    out
}

/// Every case of a right, each once.
pub(crate) fn askers(
    constants: &Constants,
    each: &mut dyn FnMut(&Asker) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for role in Role::ALL.iter().copied().filter(|role| *role != Role::Device) {
        for bits in 0_u8..8 {
            let bit = |n: u8| bits & (1 << n) != 0;
            each(&Asker {
                role,
                own: bit(0),
                related: bit(1),
                approval: bit(2),
                standing: Standing::default(),
            })?;
        }
    }
    let names = std::iter::once(String::new()).chain(constants.words.iter().cloned());
    for ae in names {
        for sees in Standing::SEES {
            for act in Standing::ACTS.iter().map(|act| vec![(*act).to_owned()]).chain([Vec::new()]) {
                for approval in [false, true] {
                    let standing = Standing {
                        ae: ae.clone(),
                        may: act.clone(),
                        sees: (*sees).to_owned(),
                        purpose: None,
                    };
                    each(&Asker { approval, standing, ..Asker::default() })?;
                }
            }
        }
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests;
