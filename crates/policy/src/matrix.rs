//! Who sees what, as a table: role × purpose × tie × class × body part. Of a film on which nobody drew anything, of a site with
//! an approval for research, at noon on a Wednesday, before a reason is given.

use crate::decide::Action;
use crate::domain::{relation, usual};
use crate::facts::{Facts, RelationKind, Standing};
use crate::policies::Policies;
use crate::replay::{Outcome, WITHHELD, outcome};
use model::{Purpose, Role};

/// Body parts of one table.
pub const PARTS: usize = 64;

/// What ties the caller to the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// Nothing.
    None,
    /// A visit, or the reading pool of a radiologist.
    Relation,
    /// An order.
    Order,
    /// It is the caller's own.
    Own,
    /// What was agreed with the machine, one of [`Standing::SEES`].
    Agreed(&'static str),
}

impl Tie {
    /// The word in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Relation => "relation",
            Self::Order => "order",
            Self::Own => "own",
            Self::Agreed(sees) => sees,
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who.
    pub role: Role,
    /// What for.
    pub purpose: Purpose,
    /// Why this patient.
    pub tie: Tie,
    /// Of a class that is withheld by default.
    pub withheld_class: bool,
    /// Body parts for which this is so; nothing: all.
    pub body_parts: Vec<String>,
    /// What comes of it.
    pub outcome: Outcome,
}

/// The table, without what is withheld. Of many body parts the first [`PARTS`].
#[must_use]
pub fn matrix(policies: &Policies, body_parts: &[String]) -> Vec<Line> {
    let parts: Vec<String> = body_parts.iter().take(PARTS).cloned().collect();
    let mut out = Vec::new();
    for role in Role::ALL {
        for purpose in Purpose::ALL {
            for tie in ties(*role) {
                for withheld_class in [false, true] {
                    let mut facts = tied(usual(*role, Some(*purpose)), tie);
                    facts.research_approval = true;
                    facts.study.withheld_class = withheld_class;
                    let lines = by_part(policies, &facts, &parts);
                    out.extend(lines.into_iter().filter(|(_, o)| o.word != WITHHELD).map(
                        |(body_parts, outcome)| Line {
                            role: *role,
                            purpose: *purpose,
                            tie,
                            withheld_class,
                            body_parts,
                            outcome,
                        },
                    ));
                }
            }
        }
    }
    out
}

fn ties(role: Role) -> Vec<Tie> {
    match role {
        Role::Patient => vec![Tie::Own],
        Role::Device => Standing::SEES.iter().filter(|s| !s.is_empty()).map(|s| Tie::Agreed(s)).collect(),
        _ => vec![Tie::None, Tie::Relation, Tie::Order],
    }
}

fn tied(mut facts: Facts, tie: Tie) -> Facts {
    match tie {
        Tie::None => {}
        Tie::Relation => facts.relations = vec![relation(RelationKind::Visit)],
        Tie::Order => facts.order_for_report = true,
        Tie::Own => facts.caller.own_patient = Some(facts.study.patient),
        Tie::Agreed(sees) => sees.clone_into(&mut facts.standing.sees),
    }
    facts
}

/// Outcomes with the body parts that have them; all alike: no parts named.
fn by_part(policies: &Policies, facts: &Facts, parts: &[String]) -> Vec<(Vec<String>, Outcome)> {
    let mut out: Vec<(Vec<String>, Outcome)> = Vec::new();
    for part in parts {
        let mut facts = facts.clone();
        facts.study.body_parts = vec![part.clone()];
        let found = outcome(policies, Action::Open, &facts);
        match out.iter_mut().find(|(_, known)| *known == found) {
            Some((alike, _)) => alike.push(part.clone()),
            None => out.push((vec![part.clone()], found)),
        }
    }
    match out.as_mut_slice() {
        [] => out.push((Vec::new(), outcome(policies, Action::Open, facts))),
        [(all, _)] => all.clear(),
        _ => {}
    }
    out
}

#[cfg(test)]
mod tests;
