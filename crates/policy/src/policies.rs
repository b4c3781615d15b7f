//! A policy set: parsed, validated strictly against its schema, named by the digest of its text.

mod ask;
mod shape;

pub(crate) use ask::{Answer, Questions};

use crate::decide::OUTCOMES;
use crate::grant::Obligation;
use crate::rights::RIGHTS;
use cedar_policy::{Authorizer, Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Policy or schema text, bytes.
pub const POLICY_BYTES: usize = 64 << 10;
/// Rules in one set.
pub const RULES: usize = 256;

/// SHA-256 (FIPS 180-4) of schema and policy text, each preceded by its length as 8 bytes, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PolicyVersion(pub [u8; 32]);

impl PolicyVersion {
    /// Lower-case hexadecimal, 64 characters.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// The two texts of a set, as an officer reads and writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// Who sees what of a picture.
    pub pictures: String,
    /// Who may do what beside.
    pub rights: String,
}

impl Texts {
    /// The default ones.
    #[must_use]
    pub fn embedded() -> Self {
        Self { pictures: DEFAULT_RULES.to_owned(), rights: DEFAULT_RIGHTS.to_owned() }
    }

    /// Both as one text. A first one without a last line end must not make its last comment swallow what follows.
    #[must_use]
    pub fn joined(&self) -> String {
        let between = if self.pictures.ends_with('\n') || self.pictures.is_empty() { "" } else { "\n" };
        [&self.pictures, between, &self.rights].concat()
    }
}

/// Why a policy set is not taken into use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Longer than [`POLICY_BYTES`], or more than [`RULES`] rules.
    #[error("policy text too large: {what} over {limit}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// A rule of more than [`shape::RULE_BYTES`], or brackets in more than [`shape::DEPTH`] brackets.
    #[error(
        "a rule is too long or too deep: at most {} bytes, and {} brackets in each other",
        shape::RULE_BYTES,
        shape::DEPTH
    )]
    Shape,
    /// The schema does not parse.
    #[error("policy schema does not parse: {0}")]
    Schema(String),
    /// The rules do not parse.
    #[error("policy does not parse: {0}")]
    Parse(String),
    /// The strict validator objects.
    #[error("policy does not validate: {0}")]
    Invalid(String),
    /// A rule without an `@id`, or two with the same.
    #[error("every rule needs an @id of its own: `{0}`")]
    Id(String),
    /// An `@obliges` that nobody knows how to meet.
    #[error("unknown obligation `{0}`")]
    Obligation(String),
    /// A question that would be asked is not in the schema's words.
    #[error("schema cannot say `{0}`")]
    Missing(&'static str),
}

/// What is kept of a rule beside its condition.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) obliges: Vec<Obligation>,
}

/// A policy set in force.
#[derive(Debug)]
pub struct Policies {
    set: PolicySet,
    schema: Schema,
    rules: HashMap<PolicyId, Rule>,
    version: PolicyVersion,
    authorizer: Authorizer,
}

/// The default rules about pictures.
pub const DEFAULT_RULES: &str = include_str!("../../../policies/default.cedar");
/// The default rules about everything else.
pub const DEFAULT_RIGHTS: &str = include_str!("../../../policies/rights.cedar");
/// Their schema.
pub const DEFAULT_SCHEMA: &str = include_str!("../../../policies/schema.cedarschema");

impl Policies {
    /// Parses and validates. What passes can still fail on an overflow, which then denies.
    ///
    /// # Errors
    /// Whatever [`Error`] names; nothing is taken into use then.
    pub fn parse(text: &str, schema: &str) -> Result<Self, Error> {
        if text.len().max(schema.len()) > POLICY_BYTES {
            return Err(Error::TooLarge { what: "bytes", limit: POLICY_BYTES });
        }
        shape::check(text)?;
        let version = digest(schema, text);
        let (schema, _warnings) =
            Schema::from_cedarschema_str(schema).map_err(|e| Error::Schema(e.to_string()))?;
        let set: PolicySet =
            text.parse().map_err(|e: cedar_policy::ParseErrors| Error::Parse(e.to_string()))?;
        if set.policies().count() > RULES {
            return Err(Error::TooLarge { what: "rules", limit: RULES });
        }
        // An unlinked template permits and forbids nothing: a rule that looks in force and is not.
        if set.templates().next().is_some() {
            return Err(Error::Parse("templates are not used here".to_owned()));
        }
        validate(&set, &schema)?;
        let policies = Self { rules: rules_of(&set)?, set, schema, version, authorizer: Authorizer::new() };
        policies.can_say_all()?;
        Ok(policies)
    }

    /// A set in this program's words.
    ///
    /// # Errors
    /// As [`Policies::parse`].
    pub fn of(texts: &Texts) -> Result<Self, Error> {
        Self::parse(&texts.joined(), DEFAULT_SCHEMA)
    }

    /// The default set, built in.
    ///
    /// # Errors
    /// Never in a tested build; an error rather than a panic, because start refuses.
    pub fn embedded() -> Result<Self, Error> {
        Self::of(&Texts::embedded())
    }

    /// Names this set: every grant and ledger entry carries it.
    #[must_use]
    pub const fn version(&self) -> PolicyVersion {
        self.version
    }

    /// Ids of the rules, and whether each permits.
    pub(crate) fn rule_ids(&self) -> Vec<(String, bool)> {
        let permits = |policy: &Policy| policy.effect() == Effect::Permit;
        let named =
            self.set.policies().filter_map(|p| Some((self.rules.get(p.id())?.id.clone(), permits(p))));
        named.collect()
    }

    /// The set of those of its rules that are `wanted`, by id. Only for trying: its version is the whole set's.
    pub(crate) fn only(&self, wanted: &dyn Fn(&str) -> bool) -> Self {
        let kept = |policy: &&Policy| self.rules.get(policy.id()).is_some_and(|rule| wanted(&rule.id));
        Self {
            // A part of a set whose ids differ cannot clash.
            set: PolicySet::from_policies(self.set.policies().filter(kept).cloned()).unwrap_or_default(),
            schema: self.schema.clone(),
            rules: self.rules.clone(),
            version: self.version,
            authorizer: Authorizer::new(),
        }
    }

    /// Each rule in Cedar's JSON form.
    pub(crate) fn each_json(&self, each: &mut dyn FnMut(&serde_json::Value)) {
        self.set.policies().filter_map(|policy| policy.to_json().ok()).for_each(|json| each(&json));
    }

    /// Every question that [`crate::decide`] and [`crate::may`] ask must be sayable in this schema, or all would be denied.
    fn can_say_all(&self) -> Result<(), Error> {
        let known: HashSet<String> = self.schema.actions().map(|a| a.id().unescaped().to_owned()).collect();
        for name in OUTCOMES.iter().chain(RIGHTS) {
            if !known.contains(*name) {
                return Err(Error::Missing(name));
            }
        }
        self.sample_questions()
    }
}

fn validate(set: &PolicySet, schema: &Schema) -> Result<(), Error> {
    let result = Validator::new(schema.clone()).validate(set, ValidationMode::Strict);
    // A warning is a rule that can never hold or text that deceives the eye: not what the officer meant.
    let mut trouble = result
        .validation_errors()
        .map(ToString::to_string)
        .chain(result.validation_warnings().map(ToString::to_string));
    trouble.next().map_or(Ok(()), |first| Err(Error::Invalid(first)))
}

fn rules_of(set: &PolicySet) -> Result<HashMap<PolicyId, Rule>, Error> {
    let mut seen = HashSet::new();
    let mut rules = HashMap::new();
    for policy in set.policies() {
        let id = policy.annotation("id").unwrap_or_default().to_owned();
        if id.is_empty() || id == crate::Refusal::ERROR || !seen.insert(id.clone()) {
            return Err(Error::Id(id));
        }
        let words = policy.annotation("obliges").unwrap_or_default();
        let obliges = words
            .split_whitespace()
            .map(|word| Obligation::named(word).ok_or_else(|| Error::Obligation(word.to_owned())))
            .collect::<Result<_, _>>()?;
        rules.insert(policy.id().clone(), Rule { id, obliges });
    }
    Ok(rules)
}

fn digest(schema: &str, text: &str) -> PolicyVersion {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in [schema, text] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut out = [0u8; 32];
    out.copy_from_slice(context.finish().as_ref());
    PolicyVersion(out)
}

#[cfg(test)]
mod tests;
