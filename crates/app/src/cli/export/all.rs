//! `gauze export --all`: two persons leave with everything. A folder a study, a folder a series, a file an instance, named by
//! their UIDs; a file has its last name when it is whole on the disk, so that a second run goes on where the first ended.

use super::{Export, arrival, ask, cookies, sign_in};
use crate::cli::digest;
use crate::cli::import::archive;
use crate::cli::progress::Progress;
use crate::cli::{Done, Failure, runtime};
use crate::home::{Home, make_private_folder, write_private};
use crate::say;
use crate::wiring::{self, Error, passwords};
use crypto::Digest;
use model::Uid;
use port::archive::{Away, Leave, Lot};
use port::{Archive, Call, Code, Credential, Fault, Item, Part, Request, Response, Stream};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The list of all files with their digests, as `sha256sum -c` reads it.
const LIST: &str = "SHA256SUMS";
/// Files asked for at once.
const BATCH: usize = 64;

pub fn run(command: &Export, home: &Home, second: &str) -> Done {
    wiring::harden();
    let first = (command.user.clone(), passwords::password(command.password_file.as_deref())?);
    let second = (second.to_owned(), passwords::password(command.second_password_file.as_deref())?);
    make_private_folder(&command.out).map_err(wiring::io("export"))?;
    let failed = runtime()?.block_on(async {
        let (archive, own) = archive(home).await?;
        let done = leave(command, &archive, (first, second)).await;
        if let Some(vault) = own {
            vault.stop().await.map_err(Error::from)?;
        }
        done
    })?;
    if failed > 0 { Err(Failure::Reported) } else { Ok(()) }
}

/// Two sessions and where everything goes.
struct Leaving<'a> {
    archive: &'a Arc<dyn Archive>,
    sessions: (String, String),
    out: &'a Path,
    /// Digests of files by their path below `out`.
    digests: BTreeMap<String, [u8; 32]>,
    /// SOP Instance UIDs of the study under way whose files are whole.
    done: BTreeSet<String>,
    /// Objects that stay: rejected, or other content of a UID.
    behind: u64,
    failed: u64,
}

type Account = (String, String);

/// Answers how many instances could not be read.
async fn leave(
    command: &Export,
    archive: &Arc<dyn Archive>,
    (first, second): (Account, Account),
) -> Result<u64, Failure> {
    let first = sign_in(&first.0, archive, first.1).await?;
    let second = sign_in(&second.0, archive, second.1).await?;
    let out = command.out.as_path();
    let sessions = (first.clone(), second.clone());
    let mut leaving = Leaving {
        archive,
        sessions,
        out,
        digests: BTreeMap::new(),
        done: BTreeSet::new(),
        behind: 0,
        failed: 0,
    };
    let done = leaving.everything(command).await;
    for session in [first, second] {
        // A session that does not end now ends by itself.
        let _ = ask(archive, cookies(&session), Request::SignOut).await;
    }
    done
}

fn refused(fault: Fault) -> Failure {
    Failure::Text(say::text(fault.code.as_str(), &[]))
}

impl Leaving<'_> {
    async fn everything(&mut self, command: &Export) -> Result<u64, Failure> {
        let mut seen = BTreeSet::new();
        // What comes while this goes on is taken along: until a look finds nothing new.
        loop {
            let new: Vec<Uid> =
                self.studies().await?.into_iter().filter(|uid| seen.insert(uid.clone())).collect();
            if new.is_empty() {
                break;
            }
            let progress = Progress::new("export", new.len() as u64);
            for study in new {
                self.study(command, &study).await?;
                progress.step();
            }
            progress.done();
        }
        let list: String =
            self.digests.iter().map(|(path, digest)| format!("{}  {path}\n", digest::hex(digest))).collect();
        let path = self.out.join(LIST);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(wiring::io("export")(e).into()),
            _ => {} // an earlier run's
        }
        write_private(&path, list.as_bytes()).map_err(wiring::io("export"))?;
        let mut digest = Digest::new();
        digest.update(list.as_bytes());
        let (files, failed) = (self.digests.len() as u64, self.failed);
        self.ask(Away::Done { files, failed, digest: digest.finish() }).await.map_err(refused)?;
        say::note("export-all-done", &[&files, &command.out.display(), &failed, &self.behind]);
        Ok(failed)
    }

    async fn ask(&self, away: Away) -> Result<(Response, Stream), Fault> {
        let (first, second) = self.sessions.clone();
        let request = Request::Leave(Leave { first, second, away });
        let call = Call { credential: Credential::Local, arrival: arrival("export"), request };
        self.archive.call(call, port::empty()).await
    }

    async fn lot(&self, away: Away) -> Result<Lot, Failure> {
        match self.ask(away).await {
            Ok((Response::Lot(lot), _)) => Ok(lot),
            Ok(_) => Err(Error::Fault(Code::Internal.into()).into()),
            Err(fault) => Err(refused(fault)),
        }
    }

    async fn studies(&self) -> Result<Vec<Uid>, Failure> {
        let mut all = Vec::new();
        loop {
            let lot = self.lot(Away::Studies { offset: all.len() }).await?;
            let some = !lot.uids.is_empty();
            all.extend(lot.uids);
            if !lot.more || !some {
                return Ok(all);
            }
        }
    }

    async fn study(&mut self, command: &Export, study: &Uid) -> Result<(), Failure> {
        let lot = self.lot(Away::Instances { study: study.clone() }).await?;
        self.behind += lot.behind;
        self.done = self.there(study).map_err(wiring::io("export"))?;
        let mut failed = 0;
        for some in self.due(&lot.uids).chunks(BATCH) {
            // One that is damaged refuses all it was asked for with: what did not come is asked for one by one.
            let together = self.files(study, some.to_vec()).await?;
            for one in self.due(some) {
                let alone =
                    if together.is_ok() { Ok(()) } else { self.files(study, vec![one.clone()]).await? };
                if !self.done.contains(one.as_str()) {
                    failed += 1;
                    let code = alone.err().map_or(Code::Unsupported, |fault| fault.code);
                    say::note("export-refused", &[&one, &say::text(code.as_str(), &[])]);
                }
            }
        }
        self.failed += failed;
        if command.json {
            let files = self.done.len();
            let line = serde_json::json!({ "study": study.as_str(), "files": files, "failed": failed });
            say::line(&line.to_string());
        }
        Ok(())
    }

    fn due(&self, instances: &[Uid]) -> Vec<Uid> {
        instances.iter().filter(|uid| !self.done.contains(uid.as_str())).cloned().collect()
    }

    /// SOP Instance UIDs of the files of a study that an earlier run wrote whole; their digests are taken again.
    fn there(&mut self, study: &Uid) -> io::Result<BTreeSet<String>> {
        let mut there = BTreeSet::new();
        let folder = self.out.join(study.as_str());
        for series in entries(&folder)? {
            for file in entries(&series)? {
                let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if let Some(instance) = name.strip_suffix(".dcm") {
                    self.digests.insert(self.listed(&file), digest::of_file(&file)?);
                    there.insert(instance.to_owned());
                }
            }
        }
        Ok(there)
    }

    fn listed(&self, file: &Path) -> String {
        file.strip_prefix(self.out).unwrap_or(file).to_string_lossy().into_owned()
    }

    /// The inner error is of these instances, some of which may have come; the outer one ends it all.
    async fn files(&mut self, study: &Uid, instances: Vec<Uid>) -> Result<Result<(), Fault>, Failure> {
        let mut stream = match self.ask(Away::Files { study: study.clone(), instances }).await {
            Ok((_, stream)) => stream,
            Err(fault) if matches!(fault.code, Code::NotSignedIn | Code::NotAllowed) => {
                return Err(refused(fault));
            }
            Err(fault) => return Ok(Err(fault)),
        };
        let mut open: Option<Open> = None;
        loop {
            match stream.next().await {
                Ok(Some(Item::Part(part))) => {
                    self.close(open.take())?;
                    open = Some(self.open(study, &part).map_err(wiring::io("export"))?);
                }
                Ok(Some(Item::Chunk(bytes))) => {
                    if let Some(open) = &mut open {
                        open.write(&bytes).map_err(wiring::io("export"))?;
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => return self.close(open.take()).map(Ok),
                Err(fault) => return Ok(Err(fault)),
            }
        }
    }

    fn open(&self, study: &Uid, part: &Part) -> io::Result<Open> {
        let (series, instance) = part.instance.as_ref().ok_or_else(|| io::Error::other("no instance"))?;
        let folder = self.out.join(study.as_str()).join(series.as_str());
        make_private_folder(&folder)?;
        let path = folder.join(format!("{instance}.dcm"));
        let part = folder.join(format!("{instance}.part"));
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        let instance = instance.to_string();
        Ok(Open { instance, path, part, file: BufWriter::new(file), digest: Digest::new() })
    }

    fn close(&mut self, open: Option<Open>) -> Result<(), Failure> {
        let Some(open) = open else { return Ok(()) };
        let instance = open.instance.clone();
        let (path, digest) = open.whole().map_err(wiring::io("export"))?;
        self.digests.insert(self.listed(&path), digest);
        self.done.insert(instance);
        Ok(())
    }
}

/// A file being written.
struct Open {
    instance: String,
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    digest: Digest,
}

impl Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.digest.update(bytes);
        self.file.write_all(bytes)
    }

    fn whole(self) -> io::Result<(PathBuf, [u8; 32])> {
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()?;
        std::fs::rename(&self.part, &self.path)?;
        Ok((self.path, self.digest.finish()))
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}
