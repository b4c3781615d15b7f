//! Bodies of entries about consents, from the words of docs/formats/ledger.md by Python's own few lines of RFC 8949.

use ledger::{Envelope, Event};
use model::Id;

#[test]
fn consents_are_written_as_they_were() {
    let envelope = Envelope {
        time: 1_795_507_200_000_000_000,
        seq: 9,
        tenant: "main".to_owned(),
        actor: "anna".to_owned(),
        patient: Some(Id([2; 16])),
        study: "1.2.3".to_owned(),
        ..Envelope::default()
    };
    let consent = Id([7; 16]);
    let changed = Event::ConsentChanged {
        consent,
        act: "accept".to_owned(),
        state: "accepted".to_owned(),
        purpose: "teaching".to_owned(),
        recipient: "account:rui".to_owned(),
        version: 3,
        digest: [0xCD; 32],
    };
    let refused =
        Event::ConsentRefused { act: "propose".to_owned(), cause: "contradictory-dates".to_owned() };
    let asked = Event::DeletionAsked { consent, whom: "rui".to_owned(), releases: 300 };
    let answered = Event::DeletionAnswered { consent, deleted: true, answer: "gone".to_owned() };
    for (event, golden) in [
        (changed, include_str!("golden/consent-changed-1.hex")),
        (refused, include_str!("golden/consent-refused-1.hex")),
        (asked, include_str!("golden/deletion-asked-1.hex")),
        (answered, include_str!("golden/deletion-answered-1.hex")),
        (Event::ConsentsRead { consents: 2 }, include_str!("golden/consents-read-1.hex")),
    ] {
        let got: String =
            ledger::body::encode(&event, &envelope).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(got, golden.trim());
    }
}
