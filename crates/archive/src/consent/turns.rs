//! Whose turn it is: the negotiation as a table.

use serde::{Deserialize, Serialize};

/// Where a consent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The patient is asked.
    Proposed,
    /// Who proposed it is asked about narrower boundaries.
    Countered,
    /// Agreed.
    Accepted,
    /// The patient said no.
    Refused,
    /// Who proposed it does not want it with these boundaries: nothing is said of the use.
    Declined,
    /// The patient took her yes back.
    Withdrawn,
}

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Began it: asks the patient.
    Propose,
    /// Began it: the patient says so.
    Record,
    /// Began it: the patient said so on paper.
    Witness,
    /// Yes.
    Accept,
    /// No.
    Refuse,
    /// With other boundaries.
    Counter,
    /// No longer.
    Withdraw,
}

/// Who may take a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Whose films they are.
    Patient,
    /// Who began it.
    Proposer,
}

use Act::{Accept, Counter, Refuse, Withdraw};
use Side::{Patient, Proposer};
use State::{Accepted, Countered, Declined, Proposed, Refused, Withdrawn};

/// All that may happen. What does not stand here does not.
const TURNS: &[(State, Side, Act, State)] = &[
    (Proposed, Patient, Accept, Accepted),
    (Proposed, Patient, Refuse, Refused),
    (Proposed, Patient, Counter, Countered),
    (Countered, Patient, Refuse, Refused),
    (Countered, Proposer, Accept, Accepted),
    (Countered, Proposer, Refuse, Declined),
    (Countered, Proposer, Counter, Proposed),
    (Accepted, Patient, Withdraw, Withdrawn),
];

/// Where a step leads; nothing: it is not this side's to take.
pub fn after(state: State, side: Side, act: Act) -> Option<State> {
    TURNS.iter().find(|(from, by, what, _)| (*from, *by, *what) == (state, side, act)).map(|turn| turn.3)
}

/// Steps that a side may take.
pub fn open_to(state: State, side: Side) -> impl Iterator<Item = Act> {
    TURNS.iter().filter(move |(from, by, ..)| (*from, *by) == (state, side)).map(|turn| turn.2)
}

impl State {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Proposed => "proposed",
            Countered => "countered",
            Accepted => "accepted",
            Refused => "refused",
            Declined => "declined",
            Withdrawn => "withdrawn",
        }
    }
}

impl Act {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Propose => "propose",
            Self::Record => "record",
            Self::Witness => "witness",
            Accept => "accept",
            Refuse => "refuse",
            Counter => "counter",
            Withdraw => "withdraw",
        }
    }

    /// Where a consent begins.
    pub const fn begins(self) -> Option<State> {
        match self {
            Self::Propose => Some(Proposed),
            Self::Record | Self::Witness => Some(Accepted),
            Accept | Refuse | Counter | Withdraw => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand from docs/consent.md: the patient's side and the other one's, by state.
    #[test]
    fn each_side_has_its_turn() {
        let table = [
            (Proposed, "accept refuse counter", ""),
            (Countered, "refuse", "accept refuse counter"),
            (Accepted, "withdraw", ""),
            (Refused, "", ""),
            (Declined, "", ""),
            (Withdrawn, "", ""),
        ];
        for (state, patient, proposer) in table {
            let words = |side| open_to(state, side).map(Act::as_str).collect::<Vec<_>>().join(" ");
            assert_eq!((words(Patient).as_str(), words(Proposer).as_str()), (patient, proposer), "{state:?}");
        }
    }

    /// Nothing but the patient's own word, or his who proposed it to hers, makes it agreed.
    #[test]
    fn only_a_yes_of_both_sides_is_agreed() {
        let ways: Vec<_> =
            TURNS.iter().filter(|turn| turn.3 == Accepted).map(|turn| (turn.0, turn.1)).collect();
        assert_eq!(ways, [(Proposed, Patient), (Countered, Proposer)]);
        for (from, by, what, to) in TURNS {
            assert_eq!(after(*from, *by, *what), Some(*to));
            assert_eq!(what.begins(), None);
        }
        assert_eq!(after(Proposed, Proposer, Accept), None, "nobody accepts for her");
        assert_eq!(after(Accepted, Proposer, Withdraw), None);
    }
}
