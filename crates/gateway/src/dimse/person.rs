//! Who works at the machine that calls (PS3.7 §D.3.3.7): found out before the association stands. Who shows a password is
//! signed in for as long as the association stands; who shows a session has one already.

use super::Peers;
use crate::http::request_id;
use dicom::dimse::{Identity, Proof};
use model::Arrival;
use port::{Call, Code, Credential, Fault, Request, Response};

/// Somebody who proved who she is.
pub struct Person {
    session: String,
    /// The session began with the association and ends with it.
    ours: bool,
}

impl Person {
    /// Checks what is shown.
    pub async fn find(peers: &Peers, arrival: &Arrival, identity: Identity) -> Result<Self, Fault> {
        let (session, ours) = match identity.proof {
            Proof::Token(token) => (token, false),
            Proof::Password { user, passcode } => {
                let request = Request::SignIn { user, password: passcode };
                match ask(peers, arrival, Credential::None, request).await? {
                    Response::SignedIn { session, .. } => (session, true),
                    _ => return Err(Code::Internal.into()),
                }
            }
        };
        let person = Self { session, ours };
        // The machine must be known, too: else a stolen certificate would tell who has an account.
        if let Err(fault) = ask(peers, arrival, person.credential(), Request::Whoami).await {
            person.leave(peers, arrival).await;
            return Err(fault);
        }
        Ok(person)
    }

    /// With which the machine asks from now on.
    pub fn credential(&self) -> Credential {
        Credential::Operated { session: self.session.clone() }
    }

    /// The association is over.
    pub async fn leave(self, peers: &Peers, arrival: &Arrival) {
        if self.ours {
            let shown = Credential::Cookies { session: self.session, viewing: None };
            if ask(peers, arrival, shown, Request::SignOut).await.is_err() {
                tracing::warn!("a session of an association could not be ended; it ends by itself");
            }
        }
    }
}

async fn ask(
    peers: &Peers,
    arrival: &Arrival,
    credential: Credential,
    request: Request,
) -> Result<Response, Fault> {
    let arrival = Arrival { request: request_id().ok_or(Code::Internal)?, ..arrival.clone() };
    let (response, _) = peers.archive.call(Call { credential, arrival, request }, port::empty()).await?;
    Ok(response)
}
