//! Rights of a caller, and of who works at a machine; a no is recorded.

use super::Vault;
use crate::context::{About, Context};
use ledger::Event;
use policy::{Asker, Permit, Right};
use port::{Code, Fault};

impl Vault {
    fn asker(&self, context: &Context) -> Asker {
        Asker {
            role: context.caller.role,
            own: context.own.is_some(),
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
        let permit = policy::may(&self.policies, right, &self.asker(context))?;
        if let Some(person) = &context.operator {
            // Who works at a machine gets no more by it than without it.
            let also = match right {
                Right::FindFull | Right::FindPseudonymous => Some(right),
                Right::Retrieve | Right::Receive => Some(Right::Open),
                _ => None,
            };
            also.map(|right| policy::may(&self.policies, right, &self.asker(person))).transpose()?;
        }
        Ok(permit)
    }

    /// The caller has a right, or the refusal is recorded.
    pub(crate) async fn may(&self, context: &Context, right: Right) -> std::result::Result<Permit, Fault> {
        match self.right(context, right) {
            Ok(permit) => Ok(permit),
            Err(refusal) => self.not_allowed(context, right.as_str(), refusal.rules).await,
        }
    }

    /// The widest find that the caller has.
    pub(crate) async fn may_find(&self, context: &Context) -> std::result::Result<Permit, Fault> {
        match policy::may_find(
            &self.policies,
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

    async fn not_allowed<T>(
        &self,
        context: &Context,
        right: &str,
        rules: Vec<String>,
    ) -> std::result::Result<T, Fault> {
        self.record(context, About::nothing(), Event::NotAllowed { right: right.to_owned(), rules }).await?;
        Err(Code::NotAllowed.into())
    }
}
