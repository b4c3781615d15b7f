//! Rights of a caller, and of who works at a machine; a no is recorded.

use super::Vault;
use crate::catalog::Study;
use crate::context::{About, Context};
use crate::open::{Ask, facts};
use ledger::Event;
use model::Purpose;
use policy::{Action, Asker, Permit, Right};
use port::{Code, Fault};

impl Vault {
    fn asker(&self, context: &Context) -> Asker {
        Asker {
            role: context.caller.role,
            // At most: the flow asks anew of the study ([`Vault::right_on`]).
            own: context.own.is_some(),
            related: true,
            approval: self.site().research_approval,
            standing: context.standing.clone(),
        }
    }

    /// Whether the caller has a right; not recorded.
    pub(crate) fn right(
        &self,
        context: &Context,
        right: Right,
    ) -> std::result::Result<Permit, policy::Refusal> {
        let permit = policy::may(&self.rules().policies, right, &self.asker(context))?;
        if let Some(person) = &context.operator {
            // Who works at a machine gets no more by it than without it.
            let also = match right {
                Right::FindFull | Right::FindPseudonymous => Some(right),
                Right::Retrieve | Right::Receive => Some(Right::Open),
                _ => None,
            };
            also.map(|right| policy::may(&self.rules().policies, right, &self.asker(person))).transpose()?;
        }
        Ok(permit)
    }

    /// Whether the caller has a right about this study; not recorded.
    pub(crate) fn right_on(&self, context: &Context, study: &Study, right: Right) -> bool {
        let ask = Ask {
            study: study.record.uid.clone(),
            action: Action::Open,
            purpose: Purpose::Treatment,
            reason: None,
        };
        let facts = facts::gather(self, context, study, &ask);
        let related = facts.related() || facts.order_for_report;
        let asker = Asker { own: facts.own(), related, ..self.asker(context) };
        policy::may(&self.rules().policies, right, &asker).is_ok()
    }

    /// The caller has a right, or the refusal is recorded.
    pub(crate) async fn may(&self, context: &Context, right: Right) -> std::result::Result<Permit, Fault> {
        match self.right(context, right) {
            Ok(permit) => Ok(permit),
            Err(refusal) => self.not_allowed(context, right.as_str(), refusal.rules).await,
        }
    }

    /// The caller has a right about a patient with whom it has to do, or has not; or the refusal is recorded.
    pub(crate) async fn may_related(
        &self,
        context: &Context,
        right: Right,
        related: bool,
    ) -> std::result::Result<Permit, Fault> {
        let asker = Asker { related, ..self.asker(context) };
        match policy::may(&self.rules().policies, right, &asker) {
            Ok(permit) => Ok(permit),
            Err(refusal) => self.not_allowed(context, right.as_str(), refusal.rules).await,
        }
    }

    /// The widest find that the caller has.
    pub(crate) async fn may_find(&self, context: &Context) -> std::result::Result<Permit, Fault> {
        match policy::may_find(
            &self.rules().policies,
            &context.caller,
            self.site().research_approval,
            &context.standing,
        ) {
            Ok(permit) => match &context.operator {
                Some(_) if self.right(context, permit.right()).is_err() => {
                    self.not_allowed(context, "find", vec!["user-identity".to_owned()]).await
                }
                _ => Ok(permit),
            },
            Err(refusal) => self.not_allowed(context, "find", refusal.rules).await,
        }
    }

    /// A no that is recorded.
    pub(crate) async fn not_allowed<T>(
        &self,
        context: &Context,
        right: &str,
        rules: Vec<String>,
    ) -> std::result::Result<T, Fault> {
        self.record(context, About::nothing(), Event::NotAllowed { right: right.to_owned(), rules }).await?;
        Err(Code::NotAllowed.into())
    }
}
