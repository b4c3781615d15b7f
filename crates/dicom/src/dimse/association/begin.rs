//! The acceptor's side of the beginning: judged, and where somebody works at the peer, answered only when that is proved.

use super::{Association, Event, State};
use crate::dimse::classes::Options;
use crate::dimse::negotiate::Terms;
use crate::dimse::pdu;
use crate::{Result, bounds};

impl Association {
    pub(super) fn associate(
        &mut self,
        body: &[u8],
        options: &Options,
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let asked = Terms::request(body)?;
        let Some(answer) = options.judge(&asked) else {
            // Rejected permanently by the service user: called AE title not recognised (PS3.8 9.3.4).
            self.output.extend_from_slice(&pdu::reject(1, 1, 7));
            events.push(Event::Rejected(7));
            return Ok(());
        };
        match &asked.identity {
            Some(identity) if options.services => {
                let (calling, called) = (asked.calling.clone(), asked.called.clone());
                events.push(Event::Identified { calling, called, identity: identity.clone() });
                self.state = State::Judging(Box::new((asked, answer)));
            }
            _ => self.accepted(asked, answer, events),
        }
        Ok(())
    }

    /// Who works at the peer was proved: the association stands.
    pub fn admit(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Judging(terms) => {
                let (asked, mut answer) = *terms;
                answer.identified = asked.identity.as_ref().is_some_and(|identity| identity.answer);
                self.accepted(asked, answer, &mut events);
            }
            other => self.state = other,
        }
        events
    }

    /// It was not: the association is rejected by the service user, without a reason (PS3.7 §D.3.3.7.1); now, or, where
    /// the archive is busy, for the time being.
    pub fn refuse(&mut self, transient: bool) {
        if matches!(self.state, State::Judging(_)) {
            self.state = State::Closed;
            self.output.extend_from_slice(&pdu::reject(if transient { 2 } else { 1 }, 1, 1));
        }
    }

    fn accepted(&mut self, mut asked: Terms, answer: Terms, events: &mut Vec<Event>) {
        self.output.extend(answer.to_answer());
        asked.identity = None;
        self.open(asked, answer, events);
    }

    pub(super) fn open(&mut self, peer: Terms, agreed: Terms, events: &mut Vec<Event>) {
        let most = if peer.max_pdu == 0 { bounds::PDU_OUT } else { peer.max_pdu.min(bounds::PDU_OUT) };
        // Less than this carries no header of a value with a byte behind it.
        self.max_out = most.max(bounds::PDU_SMALLEST) as usize;
        self.contexts.clone_from(&agreed.contexts);
        self.agreed = agreed;
        self.state = State::Open;
        events.push(Event::Associated(Box::new(peer)));
    }
}
