//! Answers about consents, as the vault gives them.

use model::{Bounds, Id, Purpose, Recipient, Role, Says, Time};
use port::Response;
use port::archive::{ConsentAsk, ConsentStep, ConsentView, Party};

/// One consent, or the refusal that was asked for.
pub fn answer(ask: &ConsentAsk) -> Response {
    match ask {
        ConsentAsk::Nonsense(word) => Response::ConsentRefused(*word),
        _ => Response::Consents(vec![view()]),
    }
}

pub fn view() -> ConsentView {
    let by =
        Party { name: "李研".to_owned(), role: Role::Researcher, organisation: "institute".to_owned() };
    let bounds = Bounds { longest_side: Some(256), ..Bounds::default() };
    let step = ConsentStep {
        act: "propose".to_owned(),
        by: by.clone(),
        at: Time(1_795_507_200_000_000_000),
        text: "lungs".to_owned(),
        bounds: bounds.clone(),
    };
    ConsentView {
        id: Id([7; 16]),
        own: false,
        proposed: true,
        by,
        purpose: Purpose::Research,
        recipient: Recipient::Account("li".to_owned()),
        study: Some("1.2.3".parse().unwrap()),
        says: Says::Permit,
        state: "proposed".to_owned(),
        bounds,
        digest: [9; 32],
        next: Vec::new(),
        steps: vec![step],
        copies: Vec::new(),
    }
}
