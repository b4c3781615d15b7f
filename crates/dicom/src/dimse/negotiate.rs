//! A-ASSOCIATE-RQ and A-ASSOCIATE-AC: read, judged, written (PS3.8 §9.3.2, §9.3.3; PS3.7 Annex D).

use super::identity::Identity;
use super::pdu::{build, count, counted, frame, item, kind, text, uid};
use crate::{Error, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION, Result, bounds};

/// The one application context (PS3.7 Annex A).
const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// What is answered to a presentation context (PS3.8 Table 9-18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted with this transfer syntax.
    Accepted(String),
    /// Abstract syntax not supported.
    AbstractSyntax,
    /// No transfer syntax supported.
    TransferSyntaxes,
}

/// One presentation context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Odd identifier.
    pub id: u8,
    /// SOP class.
    pub abstract_syntax: String,
    /// Proposed transfer syntaxes, in the proposer's order.
    pub syntaxes: Vec<String>,
    /// The answer.
    pub verdict: Verdict,
}

impl Context {
    /// A proposal, not answered yet.
    #[must_use]
    pub fn propose(id: u8, class: &str, syntaxes: &[&str]) -> Self {
        Self {
            id,
            abstract_syntax: class.to_owned(),
            syntaxes: syntaxes.iter().map(|s| (*s).to_owned()).collect(),
            verdict: Verdict::AbstractSyntax,
        }
    }

    /// The transfer syntax, when accepted.
    #[must_use]
    pub fn syntax(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::Accepted(syntax) => Some(syntax),
            _ => None,
        }
    }
}

/// SCP/SCU role selection of the requester (PS3.7 D.3.3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// SOP class.
    pub class: String,
    /// The requester is user.
    pub scu: bool,
    /// The requester is provider.
    pub scp: bool,
}

/// Extended negotiation of a SOP class (PS3.7 D.3.3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extended {
    /// SOP class.
    pub class: String,
    /// Service class application information.
    pub info: Vec<u8>,
}

/// What either side says of itself and proposes or accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Called AE title, trimmed.
    pub called: String,
    /// Calling AE title, trimmed.
    pub calling: String,
    /// Implementation version name, at most 16 characters.
    pub software: String,
    /// Largest PDU that it takes; 0: any.
    pub max_pdu: u32,
    /// Presentation contexts.
    pub contexts: Vec<Context>,
    /// Roles.
    pub roles: Vec<Role>,
    /// Extended negotiation.
    pub extended: Vec<Extended>,
    /// Who works at the requester's side.
    pub identity: Option<Identity>,
    /// The acceptor says that it accepted that identity (59H).
    pub identified: bool,
    titles: Vec<u8>,
}

impl Terms {
    /// What we propose.
    #[must_use]
    pub fn ours(called: &str, calling: &str, max_pdu: u32) -> Self {
        let title = |text: &str| format!("{text:<16.16}").into_bytes();
        let titles = [title(called), title(calling), vec![0; 32]].concat();
        let software = IMPLEMENTATION_VERSION.to_owned();
        let (called, calling) = (called.to_owned(), calling.to_owned());
        Self { called, calling, software, max_pdu, titles, ..Self::default() }
    }

    /// Parses the body of a request after the six bytes of header.
    ///
    /// # Errors
    /// [`Error::Protocol`], [`Error::TooLarge`].
    pub fn request(body: &[u8]) -> Result<Self> {
        let (mut terms, mut rest) = Self::fixed(body)?;
        while !rest.is_empty() {
            let (kind, value, after) = item(rest)?;
            rest = after;
            match kind {
                0x10 if uid(value)? != APPLICATION_CONTEXT => {
                    return Err(Error::Protocol("application context"));
                }
                0x20 => terms.proposed(value)?,
                0x50 => terms.user(value)?,
                _ => {}
            }
        }
        Ok(terms)
    }

    /// Parses the body of an answer to `asked`; each context gets its verdict.
    ///
    /// # Errors
    /// As [`Terms::request`]; an answer to what was not proposed.
    pub fn answer(body: &[u8], asked: &Self) -> Result<Self> {
        let (mut terms, mut rest) = Self::fixed(body)?;
        terms.contexts.clone_from(&asked.contexts);
        while !rest.is_empty() {
            let (kind, value, after) = item(rest)?;
            rest = after;
            match kind {
                0x21 => terms.judged(value)?,
                0x50 => terms.user(value)?,
                _ => {}
            }
        }
        Ok(terms)
    }

    fn fixed(body: &[u8]) -> Result<(Self, &[u8])> {
        let (fixed, rest) = body.split_at_checked(68).ok_or(Error::Protocol("association cut off"))?;
        if fixed.get(1).is_none_or(|version| version & 1 == 0) {
            return Err(Error::Protocol("version"));
        }
        let titles = fixed.get(4..).unwrap_or_default().to_vec();
        let called = text(titles.get(..16).unwrap_or_default())?;
        let calling = text(titles.get(16..32).unwrap_or_default())?;
        Ok((Self { called, calling, titles, ..Self::default() }, rest))
    }

    fn proposed(&mut self, value: &[u8]) -> Result<()> {
        let (&[id, ..], mut rest) = value.split_at_checked(4).ok_or(Error::Protocol("context"))? else {
            return Err(Error::Protocol("context"));
        };
        if self.contexts.len() >= bounds::CONTEXTS {
            return Err(Error::TooLarge("presentation contexts"));
        }
        if id % 2 == 0 || self.contexts.iter().any(|c| c.id == id) {
            return Err(Error::Protocol("context identifier"));
        }
        let (mut abstract_syntax, mut syntaxes) = (None, Vec::new());
        while !rest.is_empty() {
            let (kind, value, after) = item(rest)?;
            rest = after;
            match kind {
                0x30 => abstract_syntax = Some(uid(value)?),
                0x40 if syntaxes.len() >= bounds::SYNTAXES => {
                    return Err(Error::TooLarge("transfer syntaxes"));
                }
                0x40 => syntaxes.push(uid(value)?),
                _ => return Err(Error::Protocol("context")),
            }
        }
        let abstract_syntax = abstract_syntax.ok_or(Error::Protocol("context"))?;
        self.contexts.push(Context { id, abstract_syntax, syntaxes, verdict: Verdict::AbstractSyntax });
        Ok(())
    }

    fn judged(&mut self, value: &[u8]) -> Result<()> {
        let [id, _, result, _, rest @ ..] = value else { return Err(Error::Protocol("context")) };
        let context = self.contexts.iter_mut().find(|c| c.id == *id);
        let context = context.ok_or(Error::Protocol("answer to a context that was not proposed"))?;
        context.verdict = match result {
            0 => {
                let (_, syntax, _) = item(rest)?;
                let syntax = uid(syntax)?;
                if !context.syntaxes.contains(&syntax) {
                    return Err(Error::Protocol("a transfer syntax that was not proposed"));
                }
                Verdict::Accepted(syntax)
            }
            4 => Verdict::TransferSyntaxes,
            _ => Verdict::AbstractSyntax,
        };
        Ok(())
    }

    fn user(&mut self, mut rest: &[u8]) -> Result<()> {
        while !rest.is_empty() {
            let (kind, value, after) = item(rest)?;
            rest = after;
            match kind {
                0x51 => {
                    let len = value.first_chunk::<4>().ok_or(Error::Protocol("maximum length"))?;
                    self.max_pdu = u32::from_be_bytes(*len);
                }
                0x54 | 0x56 if self.roles.len() + self.extended.len() >= 2 * bounds::CONTEXTS => {
                    return Err(Error::TooLarge("negotiated classes"));
                }
                0x54 => {
                    let (class, rest) = counted(value)?;
                    let [scu, scp, ..] = rest else { return Err(Error::Protocol("role selection")) };
                    self.roles.push(Role { class: uid(class)?, scu: *scu == 1, scp: *scp == 1 });
                }
                0x55 => self.software = text(value)?.chars().take(16).collect(),
                0x56 => {
                    let (class, info) = counted(value)?;
                    let info = info.get(..info.len().min(bounds::EXTENDED_BYTES)).unwrap_or_default();
                    self.extended.push(Extended { class: uid(class)?, info: info.to_vec() });
                }
                0x58 => self.identity = Identity::read(value)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A-ASSOCIATE-RQ.
    #[must_use]
    pub fn to_request(&self) -> Vec<u8> {
        let context = |c: &Context| {
            let mut inner = vec![c.id, 0, 0, 0];
            inner.extend(build(0x30, c.abstract_syntax.as_bytes()));
            c.syntaxes.iter().for_each(|s| inner.extend(build(0x40, s.as_bytes())));
            build(0x20, &inner)
        };
        self.frame(kind::ASSOCIATE_RQ, &context)
    }

    /// A-ASSOCIATE-AC.
    #[must_use]
    pub fn to_answer(&self) -> Vec<u8> {
        let context = |c: &Context| {
            let (result, syntax) = match &c.verdict {
                Verdict::Accepted(syntax) => (0, syntax.as_str()),
                Verdict::AbstractSyntax => (3, super::IMPLICIT),
                Verdict::TransferSyntaxes => (4, super::IMPLICIT),
            };
            build(0x21, &[&[c.id, 0, result, 0][..], &build(0x40, syntax.as_bytes())].concat())
        };
        self.frame(kind::ASSOCIATE_AC, &context)
    }

    fn frame(&self, kind: u8, context: &dyn Fn(&Context) -> Vec<u8>) -> Vec<u8> {
        let mut body = vec![0, 1, 0, 0];
        body.extend_from_slice(&self.titles);
        body.extend(build(0x10, APPLICATION_CONTEXT.as_bytes()));
        self.contexts.iter().for_each(|c| body.extend(context(c)));
        let mut user = build(0x51, &self.max_pdu.to_be_bytes());
        user.extend(build(0x52, IMPLEMENTATION_CLASS_UID.as_bytes()));
        for Role { class, scu, scp } in &self.roles {
            let flags = [u8::from(*scu), u8::from(*scp)];
            user.extend(build(0x54, &[&count(class.as_bytes())[..], &flags].concat()));
        }
        user.extend(build(0x55, self.software.as_bytes()));
        for Extended { class, info } in &self.extended {
            user.extend(build(0x56, &[&count(class.as_bytes())[..], info].concat()));
        }
        if self.identified {
            // No server response goes with a passcode or a web token (PS3.7 Table D.3-15).
            user.extend(build(0x59, &[0, 0]));
        }
        body.extend(build(0x50, &user));
        frame(kind, &body)
    }
}
