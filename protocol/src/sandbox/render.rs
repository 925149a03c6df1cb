//! An action as the record that is sent.

use serde_json::{Map, Value as Json, json};

use super::action::{Act, Action};
use super::fields::{group_text, head, newest, own_reference, revision_of, type_of};
use crate::names::{MemberId, MemberKind};
use crate::time::Millis;

/// Who does something, before whom, about what.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The integrator.
    pub me: &'a MemberId,
    /// The partner.
    pub partner: &'a MemberId,
    /// The partner's kind.
    pub kind: MemberKind,
    /// What it reacts to, in the native JSON form; none where it begins by itself.
    pub about: Option<&'a Json>,
    /// Counts what is sent in a rehearsal.
    pub number: u64,
    /// The rehearsal.
    pub run: u64,
    /// Now.
    pub now: Millis,
}

/// Groups that go over from what is reacted to, where the type has them.
const CARRIED: [&str; 3] = ["item", "unit", "route"];
/// What a practice response says it comes from.
const SYSTEM: &str = "PRACTICE";

/// The record of an action, in the native JSON form; none where it sends nothing.
///
/// # Errors
/// What the rule got wrong, in words: an answer to nothing, a name in braces that is not known, a group that is no table.
pub fn render(action: &Action, scene: &Scene<'_>) -> Result<Option<Json>, String> {
    let Some((type_name, prefix)) = named(action, scene)? else { return Ok(None) };
    let table = newest(type_name).ok_or_else(|| format!("there is no record type '{type_name}'"))?;
    let reference = format!("{prefix}-{}-{}", scene.run, scene.number);
    let mut record = Map::new();
    record.insert("type".into(), type_name.into());
    record.insert("version".into(), table.version.into());
    let said = match type_name {
        "declaration" => json!({"own_reference": reference, "message_time": scene.now.to_string()}),
        _ => json!({"own_reference": reference, "made_at": scene.now.to_string()}),
    };
    record.insert(if type_name == "declaration" { "filing" } else { "reference" }.into(), said);
    if let Some(about) = scene.about {
        for group in CARRIED.into_iter().filter(|group| table.group(group).is_some()) {
            record.extend(about.get(group).map(|carried| (group.to_owned(), carried.clone())));
        }
        if table.group("handling").is_some() {
            record.insert("handling".into(), handling(action, scene, about));
        }
    }
    if let Some((group, fields)) = own_group(action, scene, &reference) {
        record.insert(group.into(), fields);
    }
    for (group, value) in &action.set {
        merge(&mut record, group, fill(value, scene)?);
    }
    Ok(Some(Json::Object(record)))
}

/// The type of the record that an action sends, and what its reference begins with.
fn named<'a>(action: &'a Action, scene: &Scene<'_>) -> Result<Option<(&'a str, String)>, String> {
    let named = match &action.act {
        Act::Stop(_) => return Ok(None),
        Act::Respond(_) => ("customs_response", "CR".to_owned()),
        Act::Refer(kind, _) => ("referral", kind.to_uppercase()),
        Act::Ask(..) => ("data_request", "ASK".to_owned()),
        Act::Decide(_) => ("agency_decision", "AD".to_owned()),
        Act::Notify(_) => ("notice", "NOTE".to_owned()),
        Act::Send(type_name) => (type_name.as_str(), "P".to_owned()),
        Act::Answer(_) => match scene.about.map(type_of) {
            Some("referral") => ("referral_answer", "RA".to_owned()),
            Some("data_request") => ("data_answer", "DA".to_owned()),
            _ => return Err("only a referral or a data_request is answered: name one as the rule's type".into()),
        },
    };
    Ok(Some(named))
}

/// The group that says what the action is.
fn own_group(action: &Action, scene: &Scene<'_>, reference: &str) -> Option<(&'static str, Json)> {
    let now = scene.now.to_string();
    let about = |group: &str, field: &str| scene.about.and_then(|about| group_text(about, group, field));
    Some(match &action.act {
        Act::Respond(status) => {
            let mut said = json!({"status": status, "at": now, "source_system": SYSTEM});
            if let (Some(about), Some(top)) = (scene.about, said.as_object_mut()) {
                top.extend(own_reference(about).map(|own| ("about".to_owned(), own.into())));
                if head(about) == "filing" {
                    top.insert("version".into(), revision_of(about).into());
                }
            }
            ("response", said)
        }
        Act::Refer(kind, question) => {
            let deadline = scene.now.plus(question.within).to_string();
            ("referral", json!({"kind": kind, "reference": reference, "state": "open", "deadline": deadline}))
        }
        Act::Ask(ground, question) => {
            let deadline = scene.now.plus(question.within).to_string();
            ("request", json!({"reference": reference, "ground": ground, "state": "open", "deadline": deadline}))
        }
        Act::Decide(state) => ("decision", json!({"control": SYSTEM, "state": state, "at": now})),
        Act::Notify(kind) => ("notice", json!({"kind": kind})),
        Act::Answer(outcome) => {
            let mut said = json!({"outcome": outcome});
            if let Some(top) = said.as_object_mut() {
                let quoted = about("referral", "reference").or_else(|| about("request", "reference"));
                top.extend(quoted.map(|reference| ("reference".to_owned(), reference.into())));
                if let Some(kind) = about("referral", "kind") {
                    top.insert("kind".into(), kind.into());
                    top.insert("at".into(), now.into());
                }
            }
            ("answer", said)
        }
        Act::Send(_) | Act::Stop(_) => return None,
    })
}

/// Who handles the item, and who is addressed: the integrator, as whose record it is about.
fn handling(action: &Action, scene: &Scene<'_>, about: &Json) -> Json {
    let mut handling = about.get("handling").and_then(Json::as_object).cloned().unwrap_or_default();
    let addressed = matches!(action.act, Act::Respond(_) | Act::Refer(..) | Act::Ask(..) | Act::Decide(_));
    if addressed {
        handling.insert("filer".into(), scene.me.to_string().into());
        if matches!(&action.act, Act::Refer(kind, _) if kind == "dnl") {
            // In a rehearsal the integrator holds the item.
            handling.insert("carrier".into(), scene.me.to_string().into());
        }
    }
    let own = match scene.kind {
        MemberKind::Customs => Some("destination_customs"),
        MemberKind::Agency => Some("agency"),
        _ => None,
    };
    if let Some(own) = own.filter(|_| addressed) {
        handling.entry(own).or_insert_with(|| scene.partner.to_string().into());
    }
    Json::Object(handling)
}

/// Sets the fields of a group, and leaves its other fields.
fn merge(record: &mut Map<String, Json>, group: &str, value: Json) {
    match (record.get_mut(group), value) {
        (Some(Json::Object(there)), Json::Object(fields)) => there.extend(fields),
        (_, value) => _ = record.insert(group.to_owned(), value),
    }
}

/// A value with the names in braces filled in.
fn fill(value: &Json, scene: &Scene<'_>) -> Result<Json, String> {
    Ok(match value {
        Json::String(text) => fill_text(text, scene)?.into(),
        Json::Array(list) => Json::Array(list.iter().map(|one| fill(one, scene)).collect::<Result<_, _>>()?),
        Json::Object(fields) => {
            let filled = fields.iter().map(|(name, value)| Ok((name.clone(), fill(value, scene)?)));
            Json::Object(filled.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

fn fill_text(text: &str, scene: &Scene<'_>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').ok_or_else(|| format!("'{text}': a brace is not closed"))?;
        filled.push_str(before);
        filled.push_str(&placeholder(name, scene).ok_or_else(|| {
            format!("'{text}': {{{name}}} is not known; {{me}}, {{partner}}, {{reference}}, {{item}}, {{order}}, {{n}}, {{now}}, {{now+SECONDS}} and {{day}} are")
        })?);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn placeholder(name: &str, scene: &Scene<'_>) -> Option<String> {
    let none = || "-".to_owned();
    Some(match name {
        "me" => scene.me.to_string(),
        "partner" => scene.partner.to_string(),
        "reference" => scene.about.and_then(own_reference).unwrap_or_else(none),
        "item" => scene.about.and_then(|about| group_text(about, "item", "id")).unwrap_or_else(none),
        "order" => scene.about.and_then(|about| group_text(about, "order", "number")).unwrap_or_else(none),
        "n" => format!("{}-{}", scene.run, scene.number),
        "now" => scene.now.to_string(),
        "day" => scene.now.day().to_string(),
        other => {
            let seconds: u64 = other.strip_prefix("now+")?.parse().ok()?;
            scene.now.plus(seconds.saturating_mul(1_000)).to_string()
        }
    })
}
