//! The DICOM upper layer as an acceptor without sockets (PS3.8 §9): bytes in, events and bytes out.
//! Deadlines are the caller's.

mod command;
mod pdu;

use crate::intake::walk::known;
use crate::{Error, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION, Result, bounds};
pub use command::Command;
use dicom_core::dictionary::UidDictionary;
use dicom_dictionary_std::StandardSopClassDictionary;
use pdu::Request;
pub use pdu::{Context, Verdict};

/// Verification (PS3.4 A).
pub const VERIFICATION: &str = "1.2.840.10008.1.1";

/// What an acceptor agrees to.
#[derive(Debug, Clone)]
pub struct Options {
    /// Called AE title that must match, trimmed; `None`: any.
    pub called_ae: Option<String>,
    /// Accept SOP classes that PS3.6 does not list as storage.
    pub private_classes: bool,
    /// Maximum PDU length offered, clamped to [`bounds::PDU_MIN`]..=[`bounds::PDU_MAX`].
    pub max_pdu: u32,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An association stands.
    Associated {
        /// Calling AE title, trimmed.
        calling: String,
        /// Called AE title, trimmed.
        called: String,
        /// Implementation version name of the peer, at most 16 characters.
        software: String,
    },
    /// The association was rejected; send the output, then close.
    Rejected,
    /// C-ECHO was answered.
    Echo,
    /// A C-STORE starts; its data follow.
    StoreBegin {
        /// Affected SOP class.
        sop_class: String,
        /// Affected SOP instance.
        sop_uid: String,
        /// Transfer syntax of the data set.
        transfer_syntax: String,
        /// AE title of the C-MOVE's originator.
        move_originator: Option<String>,
    },
    /// Bytes of the data set.
    Data(Vec<u8>),
    /// The data set is complete: call [`Acceptor::answer`].
    StoreEnd,
    /// The peer released; send the output, then close.
    Released,
    /// The peer aborted; close.
    Aborted,
}

#[derive(Debug)]
enum State {
    Idle,
    Open,
    Receiving(Command, u8),
    Answering(Command, u8),
    Closed,
}

/// One association's acceptor.
#[derive(Debug)]
pub struct Acceptor {
    options: Options,
    state: State,
    buffer: Vec<u8>,
    command: Vec<u8>,
    contexts: Vec<Context>,
    output: Vec<u8>,
}

impl Acceptor {
    /// Before the first byte.
    #[must_use]
    pub fn new(mut options: Options) -> Self {
        options.max_pdu = options.max_pdu.clamp(bounds::PDU_MIN, bounds::PDU_MAX);
        let state = State::Idle;
        Self {
            options,
            state,
            buffer: Vec::new(),
            command: Vec::new(),
            contexts: Vec::new(),
            output: Vec::new(),
        }
    }

    /// Takes bytes from the peer. After an error send the output (an A-ABORT) and close.
    ///
    /// # Errors
    /// [`Error::Protocol`] or [`Error::TooLarge`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        let result = self.take(bytes, &mut events);
        if let Err(error) = result {
            self.state = State::Closed;
            self.buffer = Vec::new();
            self.output.extend_from_slice(&pdu::abort());
            return Err(error);
        }
        Ok(events)
    }

    /// Bytes to send, taken out.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Answers the C-STORE whose [`Event::StoreEnd`] came, with a status (PS3.4 B.2.3; 0 is success).
    ///
    /// # Errors
    /// [`Error::Protocol`] when none is open.
    pub fn answer(&mut self, status: u16) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Open) {
            State::Answering(command, context) => {
                self.output.extend(pdu::data(context, true, &command.response(status)));
                Ok(())
            }
            other => {
                self.state = other;
                Err(Error::Protocol("no store to answer"))
            }
        }
    }

    fn take(&mut self, mut bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        while !bytes.is_empty() {
            if matches!(self.state, State::Closed) {
                return Ok(());
            }
            let want = self.wanted()?;
            let (now, later) = bytes.split_at((want - self.buffer.len()).min(bytes.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() >= 6 && self.buffer.len() == self.wanted()? {
                let pdu = std::mem::take(&mut self.buffer);
                self.pdu(&pdu, events)?;
            }
        }
        Ok(())
    }

    /// Bytes of the current PDU, its header first; the length is compared before anything is kept.
    fn wanted(&self) -> Result<usize> {
        let [kind, _, a, b, c, d, ..] = *self.buffer.as_slice() else { return Ok(6) };
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        let most = match kind {
            1 => bounds::ASSOCIATE_BYTES,
            4 => self.options.max_pdu as usize,
            5..=7 => 4,
            _ => return Err(Error::Protocol("unexpected PDU type")),
        };
        if len > most { Err(Error::TooLarge("PDU")) } else { Ok(6 + len) }
    }

    fn pdu(&mut self, pdu: &[u8], events: &mut Vec<Event>) -> Result<()> {
        let body = pdu.get(6..).unwrap_or_default();
        match (pdu.first(), &self.state) {
            (Some(1), State::Idle) => self.associate(body, events),
            (Some(4), State::Open | State::Receiving(..)) => self.values(body, events),
            (Some(5), State::Open) => {
                self.output.extend_from_slice(&[6, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
                self.state = State::Closed;
                events.push(Event::Released);
                Ok(())
            }
            (Some(7), _) => {
                self.state = State::Closed;
                events.push(Event::Aborted);
                Ok(())
            }
            _ => Err(Error::Protocol("unexpected PDU")),
        }
    }

    fn associate(&mut self, body: &[u8], events: &mut Vec<Event>) -> Result<()> {
        let mut request = Request::parse(body)?;
        if self.options.called_ae.as_ref().is_some_and(|wanted| *wanted != request.called) {
            // Rejected permanently by the service user: called AE title not recognised (PS3.8 9.3.4).
            self.output.extend_from_slice(&[3, 0, 0, 0, 0, 4, 0, 1, 1, 7]);
            self.state = State::Closed;
            events.push(Event::Rejected);
            return Ok(());
        }
        for context in &mut request.contexts {
            context.verdict = self.verdict(context);
        }
        let ours = (IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION);
        self.output.extend(request.accept(self.options.max_pdu, ours));
        self.contexts = request.contexts;
        self.state = State::Open;
        let Request { calling, called, software, .. } = request;
        events.push(Event::Associated { calling, called, software });
        Ok(())
    }

    fn verdict(&self, context: &Context) -> Verdict {
        let class = context.abstract_syntax.as_str();
        if class != VERIFICATION && !self.options.private_classes && !is_storage(class) {
            return Verdict::AbstractSyntax;
        }
        context
            .syntaxes
            .iter()
            .find(|s| known(s))
            .map_or(Verdict::TransferSyntaxes, |s| Verdict::Accepted(s.clone()))
    }

    fn values(&mut self, mut body: &[u8], events: &mut Vec<Event>) -> Result<()> {
        while !body.is_empty() {
            let (context, control, value, rest) = pdu::next_value(body)?;
            body = rest;
            if control & 1 == 1 {
                self.command_part(context, control & 2 == 2, value, events)?;
            } else {
                self.data_part(context, control & 2 == 2, value, events)?;
            }
        }
        Ok(())
    }

    fn command_part(&mut self, context: u8, last: bool, value: &[u8], events: &mut Vec<Event>) -> Result<()> {
        if !matches!(self.state, State::Open) {
            return Err(Error::Protocol("a command inside a data set"));
        }
        if self.command.len() + value.len() > bounds::COMMAND_BYTES {
            return Err(Error::TooLarge("command"));
        }
        self.command.extend_from_slice(value);
        if !last {
            return Ok(());
        }
        let command = Command::parse(&std::mem::take(&mut self.command))?;
        let accepted = self.contexts.iter().find(|c| c.id == context).and_then(|c| match &c.verdict {
            Verdict::Accepted(syntax) => Some((c.abstract_syntax.clone(), syntax.clone())),
            _ => None,
        });
        let (class, syntax) = accepted.ok_or(Error::Protocol("presentation context not accepted"))?;
        match (command.field, command.has_data) {
            (0x0030, false) => {
                self.output.extend(pdu::data(context, true, &command.response(0)));
                events.push(Event::Echo);
                Ok(())
            }
            (0x0001, true) if command.sop_class == class => {
                events.push(Event::StoreBegin {
                    sop_class: class,
                    sop_uid: command.sop_uid.clone(),
                    transfer_syntax: syntax,
                    move_originator: command.move_originator.clone(),
                });
                self.state = State::Receiving(command, context);
                Ok(())
            }
            _ => Err(Error::Protocol("command not supported")),
        }
    }

    fn data_part(&mut self, context: u8, last: bool, value: &[u8], events: &mut Vec<Event>) -> Result<()> {
        match &self.state {
            State::Receiving(_, expected) if *expected == context => {}
            _ => return Err(Error::Protocol("data without a command")),
        }
        if !value.is_empty() {
            events.push(Event::Data(value.to_vec()));
        }
        if last {
            if let State::Receiving(command, context) = std::mem::replace(&mut self.state, State::Open) {
                self.state = State::Answering(command, context);
            }
            events.push(Event::StoreEnd);
        }
        Ok(())
    }
}

/// Listed in PS3.6 as a storage SOP class.
fn is_storage(uid: &str) -> bool {
    let entry = StandardSopClassDictionary.by_uid(uid);
    entry.is_some_and(|e| {
        e.name.contains("Storage") && !e.name.contains("Commitment") && !e.name.contains("Directory")
    })
}

/// The Part 10 bytes that precede a data set received by C-STORE (PS3.10 §7.1).
///
/// # Errors
/// [`Error::Missing`] when a unique identifier or the AE title cannot stand in a file.
pub fn p10_prefix(sop_class: &str, sop_uid: &str, transfer_syntax: &str, calling: &str) -> Result<Vec<u8>> {
    for uid in [sop_class, sop_uid, transfer_syntax] {
        uid.parse::<model::Uid>().map_err(|_| Error::Missing("unique identifier"))?;
    }
    if calling.len() > 16 || !calling.bytes().all(|b| (0x20..0x7F).contains(&b) && b != b'\\') {
        return Err(Error::Missing("AE title"));
    }
    let mut group = vec![2, 0, 1, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 1];
    let values: [(u8, &[u8; 2], &str); 6] = [
        (0x02, b"UI", sop_class),
        (0x03, b"UI", sop_uid),
        (0x10, b"UI", transfer_syntax),
        (0x12, b"UI", IMPLEMENTATION_CLASS_UID),
        (0x13, b"SH", IMPLEMENTATION_VERSION),
        (0x16, b"AE", calling),
    ];
    for (element, vr, text) in values {
        let mut value = text.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == b"UI" { 0 } else { b' ' });
        }
        let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
        group.extend_from_slice(&[&[2, 0, element, 0], &vr[..], &len.to_le_bytes(), &value].concat());
    }
    let mut out = vec![0; 128];
    out.extend_from_slice(b"DICM\x02\x00\x00\x00UL\x04\x00");
    out.extend_from_slice(&u32::try_from(group.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(group);
    Ok(out)
}
