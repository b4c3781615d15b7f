//! Facts as Cedar sees them: the role is the principal, the study the resource, the rest the context.

use super::Facts;
use crate::rights::{Asker, Right};
use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression as Value,
    Schema,
};
use model::Role;
use std::collections::{HashMap, HashSet};

/// A fact could not be said in the schema's words. The detail stays here: whoever asks is only told no.
#[derive(Debug)]
pub(crate) struct Unsayable;

fn uid(kind: &str, name: &str) -> Result<EntityUid, Unsayable> {
    let kind: EntityTypeName = kind.parse().map_err(|_| Unsayable)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(name)))
}

/// `Action::"name"`.
pub(crate) fn action(name: &str) -> Result<EntityUid, Unsayable> {
    uid("Action", name)
}

fn role(role: Role) -> Result<EntityUid, Unsayable> {
    uid("Role", role.as_str())
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    Value::new_set(words.into_iter().map(|w| Value::new_string(w.to_owned())))
}

fn study() -> Result<EntityUid, Unsayable> {
    uid("Study", "asked")
}

/// The study as an entity with its attributes.
pub(crate) fn entities(facts: &Facts, schema: &Schema) -> Result<Entities, Unsayable> {
    let study_facts = &facts.study;
    let attributes = HashMap::from([
        ("level".to_owned(), Value::new_long(study_facts.level.into())),
        ("withheld_class".to_owned(), Value::new_bool(study_facts.withheld_class)),
        ("modalities".to_owned(), words(study_facts.modalities.iter().map(String::as_str))),
        ("body_parts".to_owned(), words(study_facts.body_parts.iter().map(String::as_str))),
    ]);
    let entity = Entity::new(study()?, attributes, HashSet::new()).map_err(|_| Unsayable)?;
    Entities::from_entities([entity], Some(schema)).map_err(|_| Unsayable)
}

/// The circumstances of one question about a picture.
pub(crate) fn context(facts: &Facts) -> Result<Context, Unsayable> {
    let purpose = facts.purpose.map_or("none", model::Purpose::as_str);
    let (weekday, hour) = facts.local();
    Context::from_pairs([
        ("purpose".to_owned(), Value::new_string(purpose.to_owned())),
        ("organisation".to_owned(), Value::new_string(facts.caller.organisation.0.clone())),
        ("related".to_owned(), Value::new_bool(facts.related())),
        ("relations".to_owned(), words(facts.relations_now().map(|r| r.kind.as_str()))),
        ("order".to_owned(), Value::new_bool(facts.order_for_report)),
        ("own".to_owned(), Value::new_bool(facts.own())),
        ("reason".to_owned(), Value::new_bool(facts.reason_given().is_some())),
        ("approval".to_owned(), Value::new_bool(facts.research_approval)),
        ("objection".to_owned(), Value::new_bool(facts.objection)),
        ("break_glass".to_owned(), Value::new_bool(facts.glass_broken())),
        ("consented".to_owned(), Value::new_bool(facts.consent.consented)),
        ("identified".to_owned(), Value::new_bool(facts.consent.identified)),
        ("refused".to_owned(), Value::new_bool(facts.consent.refused)),
        ("ae".to_owned(), Value::new_string(facts.standing.ae.clone())),
        ("sees".to_owned(), Value::new_string(facts.standing.sees.clone())),
        ("weekday".to_owned(), Value::new_long(weekday)),
        ("hour".to_owned(), Value::new_long(hour)),
    ])
    .map_err(|_| Unsayable)
}

/// "May this role do `name` to the study?"
pub(crate) fn picture(
    facts: &Facts,
    name: &str,
    context: Context,
    schema: &Schema,
) -> Result<Request, Unsayable> {
    Request::new(role(facts.caller.role)?, action(name)?, study()?, context, Some(schema))
        .map_err(|_| Unsayable)
}

/// "May this role do `name` at all?"
pub(crate) fn right(asker: &Asker, name: &str, schema: &Schema) -> Result<Request, Unsayable> {
    let own = ("own".to_owned(), Value::new_bool(asker.own));
    if name == Right::ChangeMasks.as_str() || name == Right::Relate.as_str() {
        let related = ("related".to_owned(), Value::new_bool(asker.related));
        let context = Context::from_pairs([own, related]).map_err(|_| Unsayable)?;
        return ask(asker.role, name, context, schema);
    }
    let context = Context::from_pairs([
        own,
        ("approval".to_owned(), Value::new_bool(asker.approval)),
        ("ae".to_owned(), Value::new_string(asker.standing.ae.clone())),
        ("may".to_owned(), words(asker.standing.may.iter().map(String::as_str))),
        ("sees".to_owned(), Value::new_string(asker.standing.sees.clone())),
    ])
    .map_err(|_| Unsayable)?;
    ask(asker.role, name, context, schema)
}

fn ask(of: Role, name: &str, context: Context, schema: &Schema) -> Result<Request, Unsayable> {
    Request::new(role(of)?, action(name)?, uid("Archive", "this")?, context, Some(schema))
        .map_err(|_| Unsayable)
}
