//! Who gets to see what: facts, rules that a privacy officer can read, and one pure decision.
//!
//! Invariant: no I/O, no clock, no async. A [`Grant`] is made here and nowhere else: by [`decide`] from facts, or by
//! [`readmit`] from a record of one. An error, a rule that fails, or silence says no (DESIGN.md §2.4).

pub mod check;
pub mod consent;
pub mod decide;
pub mod domain;
pub mod facts;
pub mod grant;
pub mod matrix;
pub mod policies;
pub mod refusal;
pub mod replay;
pub mod rights;

pub use consent::ConsentFacts;
pub use decide::{Action, Decision, decide};
pub use facts::{Caller, Facts, MaskFacts, Relation, RelationKind, Standing, StudyFacts};
pub use grant::{Current, Grant, GrantRecord, Hide, Lapse, Obligation, readmit};
pub use policies::{Error, Policies, PolicyVersion, Texts};
pub use refusal::{Code, Refusal};
pub use rights::{Asker, Permit, Right, may, may_find, rights};
