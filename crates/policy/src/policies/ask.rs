//! One question to the rules, one answer. Errors are an answer of their own, so that no caller can overlook them.

use super::{Error, Policies};
use crate::facts::cedar::{self, Unsayable};
use crate::grant::Obligation;
use crate::rights::Asker;
use crate::{Caller, Facts, Standing, StudyFacts};
use ::cedar_policy::{Context, Decision, Entities, Request, Response};
use model::{Id, Organisation, Purpose, Role, Tenant, Time};

/// What the rules say to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// At least one rule permits and none forbids.
    Yes { rules: Vec<String>, obliges: Vec<Obligation> },
    /// These rules forbid, or (empty) none permits.
    No { rules: Vec<String> },
    /// A rule or a fact failed.
    Failed,
}

/// Questions about one study, its facts told to Cedar once.
pub(crate) struct Questions<'a> {
    policies: &'a Policies,
    facts: &'a Facts,
    context: Context,
    entities: Entities,
}

impl<'a> Questions<'a> {
    pub(crate) fn about(policies: &'a Policies, facts: &'a Facts) -> Option<Self> {
        let context = cedar::context(facts).ok()?;
        let entities = cedar::entities(facts, &policies.schema).ok()?;
        Some(Self { policies, facts, context, entities })
    }

    pub(crate) fn ask(&self, name: &str) -> Answer {
        self.ask_of(self.policies, name)
    }

    /// The same of a part of the set.
    pub(crate) fn ask_of(&self, part: &Policies, name: &str) -> Answer {
        let request = cedar::picture(self.facts, name, self.context.clone(), &self.policies.schema);
        part.answer(request, &self.entities)
    }
}

impl Policies {
    pub(crate) fn ask_right(&self, asker: &Asker, name: &str) -> Answer {
        self.answer(cedar::right(asker, name, &self.schema), &Entities::empty())
    }

    fn answer(&self, request: Result<Request, Unsayable>, entities: &Entities) -> Answer {
        let Ok(request) = request else { return Answer::Failed };
        self.read(&self.authorizer.is_authorized(&request, &self.set, entities))
    }

    /// Cedar itself skips a rule that errors; here an error anywhere fails the whole question, because the
    /// rule that failed may have been the one that forbids.
    fn read(&self, response: &Response) -> Answer {
        if response.diagnostics().errors().next().is_some() {
            return Answer::Failed;
        }
        let decisive: Vec<_> = response.diagnostics().reason().filter_map(|id| self.rules.get(id)).collect();
        let mut rules: Vec<String> = decisive.iter().map(|rule| rule.id.clone()).collect();
        rules.sort();
        match response.decision() {
            Decision::Allow => {
                let mut obliges: Vec<_> = decisive.iter().flat_map(|r| r.obliges.clone()).collect();
                obliges.sort();
                obliges.dedup();
                Answer::Yes { rules, obliges }
            }
            Decision::Deny => Answer::No { rules },
        }
    }

    pub(super) fn sample_questions(&self) -> Result<(), Error> {
        let facts = sample();
        let questions = Questions::about(self, &facts).ok_or(Error::Missing("study"))?;
        for name in crate::decide::OUTCOMES {
            cedar::picture(&facts, name, questions.context.clone(), &self.schema)
                .map_err(|_| Error::Missing(name))?;
        }
        for role in Role::ALL {
            let asker = Asker { role: *role, ..Asker::default() };
            for name in crate::rights::RIGHTS {
                cedar::right(&asker, name, &self.schema).map_err(|_| Error::Missing(name))?;
            }
        }
        Ok(())
    }
}

/// Facts of nobody about nothing: only their types matter.
fn sample() -> Facts {
    let tenant = Tenant::main();
    Facts {
        caller: Caller {
            user: String::new(),
            role: Role::Radiologist,
            organisation: Organisation(String::new()),
            tenant: tenant.clone(),
            own_patient: None,
        },
        purpose: Some(Purpose::Treatment),
        relations: Vec::new(),
        order_for_report: false,
        reason: None,
        study: StudyFacts {
            study: Id([0; 16]),
            tenant,
            patient: Id([0; 16]),
            modalities: Vec::new(),
            body_parts: Vec::new(),
            level: 5,
            withheld_class: true,
        },
        research_approval: false,
        objection: true,
        glass_until: None,
        consent: crate::ConsentFacts::default(),
        standing: Standing::default(),
        now: Time(0),
        utc_offset_s: 0,
        mask: None,
    }
}
