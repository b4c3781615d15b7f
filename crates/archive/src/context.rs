//! Who a call comes from, after the proof was checked; and how a no becomes a fault that is recorded.

use crate::putright::Own;
use crate::who::session::Handle;
use model::{Arrival, Id, PatientRef, Time, Uid};
use policy::{Caller, Standing};

/// A caller whose proof was checked.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who.
    pub caller: Caller,
    /// Name of the person.
    pub name: String,
    /// The session, when there is one.
    pub session: Option<(Handle, Id)>,
    /// The proof was a bearer token of the grant for this study.
    pub bearer: Option<Uid>,
    /// The viewing cookie came along and is the session's.
    pub views: bool,
    /// What was agreed with a machine; nothing with people.
    pub standing: Standing,
    /// Who works at a machine: what leaves is what both may see.
    pub operator: Option<Box<Context>>,
    /// The patient that the account is.
    pub own: Option<Own>,
    /// From where.
    pub arrival: Arrival,
    /// When the call began.
    pub now: Time,
}

impl Context {
    /// Who acts: the person, where one works at the machine.
    pub fn actor(&self) -> &Self {
        self.operator.as_deref().unwrap_or(self)
    }

    /// The account of who works at the machine, or nobody's.
    pub fn operator_user(&self) -> String {
        self.operator.as_ref().map(|person| person.caller.user.clone()).unwrap_or_default()
    }

    /// A machine that knows studies by pseudonyms only.
    pub fn pseudonymous(&self) -> bool {
        self.standing.sees == "deidentified"
    }
}

/// What an entry is about.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Whose.
    pub patient: Option<PatientRef>,
    /// Which study.
    pub study: Option<Uid>,
    /// Which object.
    pub object: Option<Id>,
}

impl About {
    /// Nothing in particular.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// A study.
    pub fn study(study: &crate::catalog::Study) -> Self {
        Self { patient: Some(study.patient()), study: Some(study.record.uid.clone()), object: None }
    }
}
