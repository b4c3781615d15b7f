//! Bodies of broken glass, from the words of docs/formats/ledger.md by Python's own few lines of RFC 8949.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ledger::{Envelope, Event, body};
use model::Id;

fn envelope(actor: &str, role: &str) -> Envelope {
    Envelope {
        time: 1_795_507_200_000_000_000,
        seq: 9,
        tenant: "main".to_owned(),
        actor: actor.to_owned(),
        role: role.to_owned(),
        ..Envelope::default()
    }
}

fn of_study(envelope: Envelope) -> Envelope {
    Envelope { patient: Some(Id([2; 16])), study: "1.2.3".to_owned(), ..envelope }
}

#[test]
fn broken_glass_is_written_as_it_was() {
    let broken = Event::GlassBroken {
        purpose: "emergency".to_owned(),
        reason: "\u{660f}\u{8ff7}".to_owned(),
        visibility: "clear".to_owned(),
        mask_version: 3,
        policy_version: "ab".repeat(32),
        rules: vec!["break-glass".to_owned()],
        facts: "{}".to_owned(),
    };
    let refused = Event::GlassRefused { cause: "second-factor-failed".to_owned() };
    let reviewed = Event::GlassReviewed {
        entry: 70_000,
        outcome: "questioned".to_owned(),
        note: "asked him".to_owned(),
    };
    let numbers = [&broken, &refused, &reviewed].map(Event::number);
    assert_eq!(numbers, [66, 67, 68]);
    for (event, envelope, golden) in [
        (broken, of_study(envelope("remy", "referrer")), include_str!("golden/glass-broken-1.hex")),
        (refused, envelope("remy", "referrer"), include_str!("golden/glass-refused-1.hex")),
        (reviewed, of_study(envelope("olga", "officer")), include_str!("golden/glass-reviewed-1.hex")),
    ] {
        let encoded = body::encode(&event, &envelope);
        let hex: String = encoded.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, golden.trim());
        assert_eq!(body::decode(&encoded).unwrap().envelope, envelope);
    }
}
