//! Whether a set of rules says what its author meant: rules that never hold, that another one always overrules, or that
//! change nothing. By trying every case of [`crate::domain`], not by proof: what depends on a constant that is not tried
//! ([`Constants::cut`]) or on two such at once is not seen.

use crate::decide::OUTCOMES;
use crate::domain::{Constants, askers, pictures};
use crate::policies::{Answer, Policies, Questions};
use crate::rights::RIGHTS;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// No case makes it hold.
    NeverHolds,
    /// It permits, and whenever it does another rule forbids.
    Overruled,
    /// Without it every case comes out the same. May be meant: a second lock.
    Idle,
}

impl Trouble {
    /// The word in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeverHolds => "never-holds",
            Self::Overruled => "overruled",
            Self::Idle => "idle",
        }
    }

    /// A rule that cannot do what it says.
    #[must_use]
    pub const fn is_fault(self) -> bool {
        !matches!(self, Self::Idle)
    }
}

/// What was found, and by how many questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// By rule, in alphabetical order.
    pub findings: Vec<(String, Trouble)>,
    /// Questions asked of the rules.
    pub questions: u64,
    /// The rules name more constants than were tried.
    pub cut: bool,
}

/// Tries all cases. Takes seconds.
#[must_use]
pub fn check(policies: &Policies) -> Report {
    let mut tried = Tried::new(policies);
    let constants = Constants::of(policies);
    let mut questions = 0;
    pictures(&constants, &mut |facts| {
        for name in OUTCOMES {
            questions += 1;
            tried.note(&|set| Questions::about(set, facts).map_or(Answer::Failed, |q| q.ask(name)));
        }
    });
    askers(&constants, &mut |asker| {
        for name in RIGHTS {
            questions += 1;
            tried.note(&|set| set.ask_right(asker, name));
        }
    });
    Report { findings: tried.findings(), questions, cut: constants.cut }
}

type Ask<'a> = dyn Fn(&Policies) -> Answer + 'a;

/// What is known of each rule so far.
struct Tried<'a> {
    policies: &'a Policies,
    /// For each rule the set without it, and a permitting rule alone.
    without: BTreeMap<String, Policies>,
    alone: BTreeMap<String, Policies>,
    held: BTreeSet<String>,
    satisfied: BTreeSet<String>,
    needed: BTreeSet<String>,
}

impl<'a> Tried<'a> {
    fn new(policies: &'a Policies) -> Self {
        let rules = policies.rule_ids();
        let without = rules.iter().map(|(id, _)| (id.clone(), policies.only(&|rule| rule != id)));
        let permits = rules.iter().filter(|(_, permits)| *permits);
        let alone = permits.map(|(id, _)| (id.clone(), policies.only(&|rule| rule == id)));
        Self {
            policies,
            without: without.collect(),
            alone: alone.collect(),
            held: BTreeSet::new(),
            satisfied: BTreeSet::new(),
            needed: BTreeSet::new(),
        }
    }

    fn note(&mut self, ask: &Ask<'_>) {
        let (said_yes, rules) = match ask(self.policies) {
            Answer::Yes { rules, .. } => (true, rules),
            Answer::No { rules } => (false, rules),
            Answer::Failed => return,
        };
        if let [one] = rules.as_slice()
            && !self.needed.contains(one)
        {
            let changes =
                said_yes || self.without.get(one).is_some_and(|set| matches!(ask(set), Answer::Yes { .. }));
            if changes {
                self.needed.insert(one.clone());
            }
        }
        // Whether a permitting rule holds where another forbids, only it alone can tell.
        if !said_yes && !rules.is_empty() {
            let (held, satisfied) = (&self.held, &mut self.satisfied);
            for (id, set) in self.alone.iter().filter(|(id, _)| !held.contains(*id)) {
                if !satisfied.contains(id) && matches!(ask(set), Answer::Yes { .. }) {
                    satisfied.insert(id.clone());
                }
            }
        }
        self.held.extend(rules);
    }

    fn findings(self) -> Vec<(String, Trouble)> {
        let trouble = |id: &String| match (
            self.held.contains(id),
            self.satisfied.contains(id),
            self.needed.contains(id),
        ) {
            (_, _, true) => None,
            (true, ..) => Some(Trouble::Idle),
            (false, true, _) => Some(Trouble::Overruled),
            (false, false, _) => Some(Trouble::NeverHolds),
        };
        self.without.keys().filter_map(|id| Some((id.clone(), trouble(id)?))).collect()
    }
}

#[cfg(test)]
mod tests;
