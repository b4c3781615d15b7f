//! The decision: each outcome is asked of the rules once, then all answers meet in one match.

use crate::consent::ConsentFacts;
use crate::facts::Facts;
use crate::grant::{Grant, Hide, Made, Obligation};
use crate::policies::{Answer, Policies, Questions};
use crate::refusal::{Code, Refusal};
use model::{HoldsFor, Visibility, Words};
use serde::{Deserialize, Serialize};

/// What is asked of a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    /// Open it.
    Open,
    /// See what a mask hides, for a reason.
    Lift,
    /// Both at once, for a reason: all is clear, or it is refused.
    BreakGlass,
}

/// A grant or a refusal.
pub type Decision = Result<Grant, Refusal>;

/// The outcomes that rules decide, as Cedar actions.
pub(crate) const OUTCOMES: &[&str] = &["see-clear", "see-masked", "see-deidentified", "lift"];

/// Decides from `facts` alone. Pure: the same facts and policies give the same answer.
///
/// # Errors
/// [`Code::NotFound`] when a rule forbids, a rule or fact fails, facts exceed their bounds, the study is another
/// tenant's, or nothing permits; [`Code::ReasonNeeded`] for a lift that would be given for a reason.
pub fn decide(policies: &Policies, action: Action, facts: &Facts) -> Decision {
    let questions = if facts.sound() { Questions::about(policies, facts) } else { None };
    let Some(questions) = questions else { return Err(Refusal::failed(Code::NotFound)) };
    let [clear, masked, deidentified, lift] =
        ["see-clear", "see-masked", "see-deidentified", "lift"].map(|name| questions.ask(name));

    let (visibility, mut rules, obliges) = combine(clear, masked, deidentified, &lift)?;
    let visibility = agreed(facts, visibility);
    let drawn_for = drawn_for(facts, visibility);
    let hide = hidden(facts, visibility, drawn_for);
    // Under an order the picture is clear but for what the patient drew: still a masked picture, and said so.
    let visibility = if hide == Hide::Drawn { Visibility::MASKED } else { visibility };
    let lift = match lift {
        Answer::Yes { rules, .. } if visibility == Visibility::MASKED => Some(rules),
        _ => None,
    };
    match (action, lift) {
        (Action::Open, lift) => {
            let obligations = unmet(obliges, facts);
            Ok(make(
                policies,
                facts,
                Made {
                    visibility,
                    hide,
                    drawn_for,
                    may_lift: lift.is_some(),
                    lifted: false,
                    obligations,
                    rules,
                },
            ))
        }
        // Without a mask there is nothing to lift, and what is not clear by now no glass gives.
        (Action::Lift, None) => Err(Refusal::new(Code::NotFound, Vec::new())),
        (Action::BreakGlass, lift)
            if !facts.glass_broken() || lift.is_none() && visibility != Visibility::CLEAR =>
        {
            Err(Refusal::new(Code::NotFound, rules))
        }
        (Action::Lift | Action::BreakGlass, _) if facts.reason_given().is_none() => {
            Err(Refusal::new(Code::ReasonNeeded, Vec::new()))
        }
        (Action::Lift | Action::BreakGlass, more) => {
            let lifted = more.is_some();
            rules.extend(more.unwrap_or_default());
            let made = Made {
                visibility: Visibility::CLEAR,
                hide: Hide::Nothing,
                drawn_for,
                may_lift: false,
                lifted,
                obligations: unmet(obliges, facts),
                rules,
            };
            Ok(make(policies, facts, made))
        }
    }
}

type Base = (Visibility, Vec<String>, Vec<Obligation>);

/// Deny wins, errors deny, silence denies; otherwise the most that some rule permits.
fn combine(clear: Answer, masked: Answer, deidentified: Answer, lift: &Answer) -> Result<Base, Refusal> {
    use Answer::{Failed, No, Yes};
    match (clear, masked, deidentified, lift) {
        // A rule or a fact failed: it may have been the one that forbids.
        (Failed, ..) | (_, Failed, ..) | (_, _, Failed, _) | (.., Failed) => {
            Err(Refusal::failed(Code::NotFound))
        }
        // Something says clear.
        (Yes { rules, obliges }, ..) => Ok((Visibility::CLEAR, rules, obliges)),
        // Not clear, but masked.
        (No { .. }, Yes { rules, obliges }, ..) => Ok((Visibility::MASKED, rules, obliges)),
        // Only without the person.
        (No { .. }, No { .. }, Yes { rules, obliges }, _) => Ok((Visibility::DEIDENTIFIED, rules, obliges)),
        // Something says no, or nothing says yes: as if absent.
        (No { rules: a }, No { rules: b }, No { rules: c }, _) => {
            let mut rules = [a, b, c].concat();
            rules.sort();
            rules.dedup();
            Err(Refusal::new(Code::NotFound, rules))
        }
    }
}

/// What the patient agreed to only takes away, whatever the rules give.
fn agreed(facts: &Facts, visibility: Visibility) -> Visibility {
    match facts.consent {
        ConsentFacts { consented: true, identified: false, .. } => Visibility::DEIDENTIFIED,
        ConsentFacts { consented: true, .. } if visibility == Visibility::CLEAR => Visibility::MASKED,
        _ => visibility,
    }
}

/// The least that what a person drew must hold for to be hidden from this caller.
fn drawn_for(facts: &Facts, visibility: Visibility) -> HoldsFor {
    match visibility.words {
        // Secondary use gets the least, whatever a mask set says of whom it holds for.
        _ if facts.purpose.is_some_and(model::Purpose::secondary) => HoldsFor::Strangers,
        Words::Full if facts.order_for_report => HoldsFor::Everyone,
        Words::Full if facts.related() => HoldsFor::Related,
        _ => HoldsFor::Strangers,
    }
}

/// Masks only take away: from what the rules give, whatever they give.
fn hidden(facts: &Facts, visibility: Visibility, drawn_for: HoldsFor) -> Hide {
    let holds = facts.mask.and_then(|mask| mask.holds_for).is_some_and(|holds| holds >= drawn_for);
    match (visibility, holds && !facts.own()) {
        (Visibility::CLEAR, false) => Hide::Nothing,
        (Visibility::CLEAR, true) => Hide::Drawn,
        (Visibility::MASKED, false) => Hide::Found,
        _ => Hide::All,
    }
}

fn unmet(mut obliges: Vec<Obligation>, facts: &Facts) -> Vec<Obligation> {
    obliges.retain(|o| *o != Obligation::Reason || facts.reason_given().is_none());
    obliges
}

fn make(policies: &Policies, facts: &Facts, made: Made) -> Grant {
    Grant::made(facts, policies.version(), made)
}

#[cfg(test)]
pub(crate) mod tests;
