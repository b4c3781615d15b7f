//! One association's state machine (PS3.8 §9.2): bytes in, events and bytes out, for either side.

mod begin;

use super::classes::Options;
use super::command::Command;
use super::identity::Identity;
use super::negotiate::{Context, Terms};
use super::pdu::{self, kind};
use crate::{Error, Result, bounds};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody works at the peer: [`Association::admit`] or [`Association::refuse`] before anything else.
    Identified {
        /// Calling AE title.
        calling: String,
        /// Called AE title.
        called: String,
        /// What is shown.
        identity: Identity,
    },
    /// An association stands; what the peer said of itself.
    Associated(Box<Terms>),
    /// The association was rejected, by us or by the peer: reason (PS3.8 Table 9-21). Send the output, then close.
    Rejected(u8),
    /// A command came whole; its data follow when it has any.
    Command {
        /// Presentation context.
        context: u8,
        /// What it says.
        command: Command,
    },
    /// Bytes of its data set.
    Data(Vec<u8>),
    /// The data set is complete.
    DataEnd,
    /// The peer released, or took our release; send the output, then close.
    Released,
    /// The peer aborted; close.
    Aborted,
}

#[derive(Debug)]
enum State {
    /// As an acceptor, before the request.
    Listening(Options),
    /// As an acceptor, while it is found out who works at the requester's: request and answer.
    Judging(Box<(Terms, Terms)>),
    /// As a requester, before the answer.
    Asked(Terms),
    Open,
    Releasing,
    Closed,
}

/// Where in a PDU the reading is.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Header,
    /// A PDU that is kept whole.
    Whole(usize),
    /// Before a presentation data value; bytes left in the PDU.
    Value(usize),
    /// Inside one.
    Bytes {
        pdu: usize,
        value: usize,
        context: u8,
        control: u8,
    },
}

/// One association.
#[derive(Debug)]
pub struct Association {
    state: State,
    reading: Reading,
    buffer: Vec<u8>,
    command: Vec<u8>,
    /// Context of the data set that is being received.
    receiving: Option<u8>,
    contexts: Vec<Context>,
    /// The peer as it introduced itself, and what was agreed.
    agreed: Terms,
    max_in: u32,
    max_out: usize,
    /// A byte that makes the next fragment even.
    odd: Option<u8>,
    output: Vec<u8>,
}

impl Association {
    fn new(state: State, max_in: u32) -> Self {
        Self {
            state,
            reading: Reading::Header,
            buffer: Vec::new(),
            command: Vec::new(),
            receiving: None,
            contexts: Vec::new(),
            agreed: Terms::default(),
            max_in,
            max_out: bounds::PDU_MIN as usize,
            odd: None,
            output: Vec::new(),
        }
    }

    /// The accepting side, before the first byte.
    #[must_use]
    pub fn accept(options: Options) -> Self {
        let max = options.max_pdu.clamp(bounds::PDU_MIN, bounds::PDU_MAX);
        Self::new(State::Listening(options), max)
    }

    /// The requesting side; its output is the request.
    #[must_use]
    pub fn request(terms: Terms) -> Self {
        let (request, max) = (terms.to_request(), terms.max_pdu.clamp(bounds::PDU_MIN, bounds::PDU_MAX));
        let mut this = Self::new(State::Asked(terms), max);
        this.output = request;
        this
    }

    /// Takes bytes from the peer. After an error send the output (an A-ABORT) and close.
    ///
    /// # Errors
    /// [`Error::Protocol`] or [`Error::TooLarge`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        let result = self.take(bytes, &mut events);
        if let Err(error) = result {
            self.abort();
            return Err(error);
        }
        Ok(events)
    }

    /// Bytes to send, taken out.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Bytes that wait to be sent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.output.len()
    }

    /// Presentation contexts with their verdicts.
    #[must_use]
    pub fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    /// SOP class and transfer syntax of an accepted context.
    #[must_use]
    pub fn context(&self, id: u8) -> Option<(&str, &str)> {
        let context = self.contexts.iter().find(|c| c.id == id)?;
        Some((context.abstract_syntax.as_str(), context.syntax()?))
    }

    /// What was agreed: roles and extended negotiation.
    #[must_use]
    pub const fn agreed(&self) -> &Terms {
        &self.agreed
    }

    /// Commands can be sent.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Sends a command set.
    pub fn send(&mut self, context: u8, command: &Command) {
        self.odd = None;
        self.values(context, true, &command.encode(), true);
    }

    /// Sends a piece of a data set in values that the peer takes.
    pub fn send_data(&mut self, context: u8, bytes: &[u8], last: bool) {
        let joined;
        let mut bytes = bytes;
        if let Some(odd) = self.odd.take() {
            joined = [&[odd], bytes].concat();
            bytes = &joined;
        }
        // Fragments have even lengths (PS3.8 Annex E): DCMTK drops an object that has an odd one.
        if let Some((odd, even)) = bytes.split_last().filter(|_| !last && bytes.len() % 2 == 1) {
            self.odd = Some(*odd);
            bytes = even;
        }
        self.values(context, false, bytes, last);
    }

    fn values(&mut self, context: u8, command: bool, bytes: &[u8], last: bool) {
        if !self.is_open() {
            return;
        }
        // A value has six bytes before it (PS3.8 §9.3.5.1).
        let most = (self.max_out - 6) & !1;
        // Grown once: a value has twelve bytes before it.
        self.output.reserve(bytes.len() + 12 * (bytes.len() / most + 1));
        let mut rest = bytes;
        loop {
            let (now, later) = rest.split_at(rest.len().min(most));
            rest = later;
            let ends = last && rest.is_empty();
            if !now.is_empty() || ends {
                self.output.extend_from_slice(&pdu::data_header(context, command, ends, now.len()));
                self.output.extend_from_slice(now);
            }
            if rest.is_empty() {
                return;
            }
        }
    }

    /// Asks for the end.
    pub fn release(&mut self) {
        if self.is_open() {
            self.output.extend_from_slice(&pdu::release(kind::RELEASE_RQ));
            self.state = State::Releasing;
        }
    }

    /// Ends at once.
    pub fn abort(&mut self) {
        self.state = State::Closed;
        self.buffer = Vec::new();
        self.output.extend_from_slice(&pdu::abort());
    }

    fn take(&mut self, mut bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        while !bytes.is_empty() && !matches!(self.state, State::Closed) {
            bytes = match self.reading {
                Reading::Header => self.header(bytes)?,
                Reading::Whole(len) => {
                    let rest = self.fill(bytes, len);
                    if self.buffer.len() == len {
                        let pdu = std::mem::take(&mut self.buffer);
                        self.reading = Reading::Header;
                        self.whole(&pdu, events)?;
                    }
                    rest
                }
                Reading::Value(left) => self.value(bytes, left, events)?,
                Reading::Bytes { pdu, value, context, control } => {
                    let (now, rest) = bytes.split_at(value.min(bytes.len()));
                    let (pdu, value) = (pdu - now.len(), value - now.len());
                    self.reading = Reading::Bytes { pdu, value, context, control };
                    let ends = value == 0;
                    if ends {
                        self.reading = if pdu == 0 { Reading::Header } else { Reading::Value(pdu) };
                    }
                    let last = ends && control & 2 == 2;
                    if control & 1 == 1 {
                        self.command_part(context, last, now, events)?;
                    } else {
                        self.data_part(context, last, now, events)?;
                    }
                    rest
                }
            };
        }
        Ok(())
    }

    /// Fills the buffer up to `len` bytes.
    fn fill<'a>(&mut self, bytes: &'a [u8], len: usize) -> &'a [u8] {
        let (now, rest) = bytes.split_at((len - self.buffer.len()).min(bytes.len()));
        self.buffer.extend_from_slice(now);
        rest
    }

    /// Type and length; the length is compared before anything of the PDU is kept.
    fn header<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let rest = self.fill(bytes, 6);
        let [kind, _, a, b, c, d] = *self.buffer.as_slice() else { return Ok(rest) };
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        let most = match kind {
            kind::ASSOCIATE_RQ | kind::ASSOCIATE_AC => bounds::ASSOCIATE_BYTES,
            kind::DATA => self.max_in as usize,
            kind::ASSOCIATE_RJ | kind::RELEASE_RQ..=kind::ABORT => 4,
            _ => return Err(Error::Protocol("unexpected PDU type")),
        };
        if len > most {
            return Err(Error::TooLarge("PDU"));
        }
        if kind != kind::DATA {
            self.reading = Reading::Whole(6 + len);
            return Ok(rest);
        }
        self.buffer.clear();
        if !matches!(self.state, State::Open | State::Releasing) || len < 6 {
            return Err(Error::Protocol("unexpected PDU"));
        }
        self.reading = Reading::Value(len);
        Ok(rest)
    }

    /// The header of a presentation data value (PS3.8 §9.3.5.1).
    fn value<'a>(&mut self, bytes: &'a [u8], left: usize, events: &mut Vec<Event>) -> Result<&'a [u8]> {
        let rest = self.fill(bytes, 6);
        let [a, b, c, d, context, control] = *self.buffer.as_slice() else { return Ok(rest) };
        self.buffer.clear();
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        if len < 2 || len + 4 > left {
            return Err(Error::Protocol("value beyond its PDU"));
        }
        let (value, pdu) = (len - 2, left - 6);
        self.reading = Reading::Bytes { pdu, value, context, control };
        if pdu - value > 0 && pdu - value < 6 {
            return Err(Error::Protocol("value cut off"));
        }
        // A value without bytes ends here: no byte follows that would end it.
        if value == 0 {
            self.reading = if pdu == 0 { Reading::Header } else { Reading::Value(pdu) };
            let last = control & 2 == 2;
            if control & 1 == 1 {
                self.command_part(context, last, &[], events)?;
            } else {
                self.data_part(context, last, &[], events)?;
            }
        }
        Ok(rest)
    }

    fn whole(&mut self, pdu: &[u8], events: &mut Vec<Event>) -> Result<()> {
        let body = pdu.get(6..).unwrap_or_default();
        match (pdu.first().copied(), std::mem::replace(&mut self.state, State::Closed)) {
            (Some(kind::ASSOCIATE_RQ), State::Listening(options)) => self.associate(body, &options, events),
            (Some(kind::ASSOCIATE_AC), State::Asked(asked)) => {
                let answer = Terms::answer(body, &asked)?;
                self.open(answer.clone(), answer, events);
                Ok(())
            }
            (Some(kind::ASSOCIATE_RJ), State::Asked(_)) => {
                events.push(Event::Rejected(body.get(3).copied().unwrap_or(0)));
                Ok(())
            }
            (Some(kind::RELEASE_RQ), State::Open | State::Releasing) => {
                self.output.extend_from_slice(&pdu::release(kind::RELEASE_RP));
                events.push(Event::Released);
                Ok(())
            }
            (Some(kind::RELEASE_RP), State::Releasing) => {
                events.push(Event::Released);
                Ok(())
            }
            (Some(kind::ABORT), _) => {
                events.push(Event::Aborted);
                Ok(())
            }
            _ => Err(Error::Protocol("unexpected PDU")),
        }
    }

    fn command_part(&mut self, context: u8, last: bool, bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        if self.receiving.is_some() {
            return Err(Error::Protocol("a command inside a data set"));
        }
        if self.command.len() + bytes.len() > bounds::COMMAND_BYTES {
            return Err(Error::TooLarge("command"));
        }
        self.command.extend_from_slice(bytes);
        if !last {
            return Ok(());
        }
        let command = Command::parse(&std::mem::take(&mut self.command))?;
        if self.context(context).is_none() {
            return Err(Error::Protocol("presentation context not accepted"));
        }
        if command.has_data {
            self.receiving = Some(context);
        }
        events.push(Event::Command { context, command });
        Ok(())
    }

    fn data_part(&mut self, context: u8, last: bool, bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        if self.receiving != Some(context) {
            return Err(Error::Protocol("data without a command"));
        }
        if !bytes.is_empty() {
            events.push(Event::Data(bytes.to_vec()));
        }
        if last {
            self.receiving = None;
            events.push(Event::DataEnd);
        }
        Ok(())
    }
}
