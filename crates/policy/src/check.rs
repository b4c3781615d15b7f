//! Whether a set of rules says what its author meant: rules that never hold, that another one always overrules, or that
//! change nothing. By trying every case of [`crate::domain`], not by proof: what depends on a constant that is not tried
//! ([`Constants::cut`]) or on two such at once is not seen.

use crate::decide::OUTCOMES;
use crate::domain::{Constants, askers, pictures};
use crate::policies::{Answer, Policies, Questions};
use crate::rights::RIGHTS;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

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

/// Questions of one check, those to parts of the set counted.
pub const QUESTIONS: u64 = 2_000_000;

/// What was found, and by how many questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// By rule, in alphabetical order.
    pub findings: Vec<(String, Trouble)>,
    /// Questions asked of the rules.
    pub questions: u64,
    /// The rules name more constants than were tried, or are so many that [`QUESTIONS`] were too few.
    pub cut: bool,
}

/// Tries all cases. Takes seconds.
#[must_use]
pub fn check(policies: &Policies) -> Report {
    let mut tried = Tried::new(policies);
    let constants = Constants::of(policies);
    let all = everything(policies, &constants, &mut |ask| tried.note(ask));
    // Whether a permitting rule holds where others forbid, only it alone can tell.
    let rest = if tried.silent().is_empty() {
        ControlFlow::Continue(())
    } else {
        everything(policies, &constants, &mut |ask| tried.alone(ask))
    };
    let (questions, cut) =
        (tried.questions, constants.cut || all.is_break() || rest.is_break() && !tried.silent().is_empty());
    Report { findings: tried.findings(), questions, cut }
}

fn everything(
    policies: &Policies,
    constants: &Constants,
    note: &mut dyn FnMut(&Ask<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    pictures(constants, &mut |facts| {
        // The facts are told to Cedar once for all questions and all parts of the set.
        let Some(questions) = Questions::about(policies, facts) else { return ControlFlow::Continue(()) };
        OUTCOMES.iter().try_for_each(|name| note(&|set| questions.ask_of(set, name)))
    })?;
    askers(constants, &mut |asker| RIGHTS.iter().try_for_each(|name| note(&|set| set.ask_right(asker, name))))
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
    questions: u64,
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
            questions: 0,
        }
    }

    /// One question, and what it takes to know what each rule does there.
    fn note(&mut self, ask: &Ask<'_>) -> ControlFlow<()> {
        self.questions += 1;
        let (said_yes, rules) = match ask(self.policies) {
            Answer::Yes { rules, .. } => (true, rules),
            Answer::No { rules } => (false, rules),
            Answer::Failed => return ControlFlow::Continue(()),
        };
        if let [one] = rules.as_slice()
            && !self.needed.contains(one)
        {
            self.questions += u64::from(!said_yes);
            let changes =
                said_yes || self.without.get(one).is_some_and(|set| matches!(ask(set), Answer::Yes { .. }));
            if changes {
                self.needed.insert(one.clone());
            }
        }
        self.held.extend(rules);
        self.goes_on()
    }

    /// Permitting rules that never decided anything.
    fn silent(&self) -> Vec<&String> {
        let settled = |id: &String| self.held.contains(id) || self.satisfied.contains(id);
        self.alone.keys().filter(|id| !settled(id)).collect()
    }

    /// The same question to each of them by itself.
    fn alone(&mut self, ask: &Ask<'_>) -> ControlFlow<()> {
        let silent = self.silent();
        let asked = silent.len() as u64;
        let yes =
            |id: &&String| self.alone.get(*id).is_some_and(|set| matches!(ask(set), Answer::Yes { .. }));
        let found: Vec<String> = silent.into_iter().filter(yes).cloned().collect();
        self.questions += asked;
        self.satisfied.extend(found);
        if self.silent().is_empty() { ControlFlow::Break(()) } else { self.goes_on() }
    }

    const fn goes_on(&self) -> ControlFlow<()> {
        if self.questions < QUESTIONS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
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
