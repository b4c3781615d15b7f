//! Standard input: a ZIP, a tar or one object, told apart by its first bytes. Nothing of it touches the disk.

use super::source::{Source, Took, store};
use crate::cli::Failure;
use media::zip::{Next, next};
use port::{Archive, Code, Fault};
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read, Stdin};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// First bytes that tell what it is: tar has its mark at 257.
const START: u64 = 512;
/// Chunks that wait between reading and storing.
const WAITING: usize = 4;
const CHUNK: usize = 64 << 10;

type Input = BufReader<Chain<Cursor<Vec<u8>>, Stdin>>;
/// Bytes of one file, or why they end.
type Pipe = Receiver<io::Result<Vec<u8>>>;

/// Hears what became of each file.
type Told<'a> = dyn FnMut(&str, Result<Took, Fault>) -> Result<(), Failure> + 'a;

/// Stores what comes, one after the other.
pub async fn import(archive: &Arc<dyn Archive>, told: &mut Told<'_>) -> Result<(), Failure> {
    let (give, mut files) = tokio::sync::mpsc::channel::<(String, Pipe)>(1);
    let reading = tokio::task::spawn_blocking(move || read(&give));
    while let Some((name, pipe)) = files.recv().await {
        let result = store(archive, Source::Pipe(Piped { pipe, chunk: Cursor::default() })).await;
        told(&name, result)?;
    }
    match reading.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(media::Error::TooLarge(_))) => told("-", Err(Code::TooLarge.into())),
        _ => told("-", Err(Code::BadObject.into())),
    }
}

fn read(give: &tokio::sync::mpsc::Sender<(String, Pipe)>) -> media::Result<()> {
    let (mut start, mut stdin) = (Vec::new(), io::stdin());
    (&mut stdin).take(START).read_to_end(&mut start)?;
    let kind = (start.starts_with(b"PK\x03\x04"), start.get(257..262) == Some(b"ustar"));
    let input = BufReader::with_capacity(CHUNK, Cursor::new(start).chain(stdin));
    match kind {
        (true, _) => zip(input, give),
        (_, true) => tar(input, give),
        _ => {
            let mut input = input;
            pump("-", &mut input, give);
            Ok(())
        }
    }
}

fn zip(mut input: Input, give: &tokio::sync::mpsc::Sender<(String, Pipe)>) -> media::Result<()> {
    loop {
        match next(input)? {
            Next::End => {
                // The directory: whoever writes it must not meet a closed pipe.
                io::copy(&mut io::stdin(), &mut io::sink())?;
                return Ok(());
            }
            Next::Entry(mut entry) => {
                let name = entry.name.clone();
                if !name.ends_with('/') {
                    pump(&name, &mut entry, give);
                }
                input = entry.finish()?;
            }
        }
    }
}

fn tar(input: Input, give: &tokio::sync::mpsc::Sender<(String, Pipe)>) -> media::Result<()> {
    let mut archive = tar::Archive::new(input);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let name = entry.path().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
            pump(&name, &mut entry, give);
        }
    }
    Ok(())
}

/// Hands over one file's bytes; what nobody takes any more is passed over.
fn pump(name: &str, bytes: &mut dyn Read, give: &tokio::sync::mpsc::Sender<(String, Pipe)>) {
    let (send, pipe): (SyncSender<io::Result<Vec<u8>>>, Pipe) = sync_channel(WAITING);
    if give.blocking_send((name.to_owned(), pipe)).is_err() {
        return;
    }
    loop {
        let mut chunk = vec![0; CHUNK];
        let sent = match bytes.read(&mut chunk) {
            Ok(0) => return,
            Ok(len) => {
                chunk.truncate(len);
                send.send(Ok(chunk)).is_ok()
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => true,
            Err(error) => {
                // Not whole: whoever stores it learns that, instead of an early end.
                let _ = send.send(Err(error));
                return;
            }
        };
        if !sent {
            return;
        }
    }
}

/// The receiving end as a file.
pub struct Piped {
    pipe: Pipe,
    chunk: Cursor<Vec<u8>>,
}

impl Read for Piped {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.chunk.fill_buf()?.is_empty() {
            match self.pipe.recv() {
                Ok(chunk) => self.chunk = Cursor::new(chunk?),
                Err(_) => return Ok(0),
            }
        }
        self.chunk.read(out)
    }
}
