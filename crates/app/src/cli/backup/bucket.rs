//! A second copy of a backup in buckets of an S3 server: the folder of the backup is what is copied, and what a copy is fetched
//! back into. Names and sizes say what is there; the seals and the signed ledger say whether it is right.

use crate::cli::Failure;
use crate::cli::progress::Progress;
use crate::home::{make_private_folder, read_text};
use crate::say;
use crate::wiring::{self, passwords};
use clap::Args;
use gateway::s3::{Bucket, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Of a file of certificates.
const CA_BYTES: u64 = 1 << 20;
/// What says that a state or a set of wraps is whole: the last file of it that is put, and the first that is looked for.
const MANIFEST: &str = "backup.json";
/// What says whose backup it is.
const MARK: &str = "gauze-backup";

/// How buckets are reached.
#[derive(Debug, Args)]
pub struct Buckets {
    /// Bucket for objects, ledger and index: s3://BUCKET/PREFIX.
    #[arg(long, requires_all = ["wraps_bucket", "s3_endpoint", "s3_credentials"])]
    bucket: Option<String>,
    /// Bucket or prefix for wrapped keys; without versions, or what was destroyed is kept there.
    #[arg(long, requires = "bucket")]
    wraps_bucket: Option<String>,
    /// Address of the S3 server: https://HOST:PORT.
    #[arg(long)]
    s3_endpoint: Option<String>,
    /// Region that requests are signed for.
    #[arg(long, default_value = "us-east-1")]
    s3_region: String,
    /// File of two lines, mode 0600: access key, secret key.
    #[arg(long)]
    s3_credentials: Option<PathBuf>,
    /// PEM file of the authorities of the server's certificate.
    #[arg(long)]
    s3_ca: Option<PathBuf>,
}

/// The two buckets: data, wraps.
pub struct Pair([Bucket; 2]);

impl Buckets {
    /// The buckets that were named, if any.
    pub fn pair(&self) -> Result<Option<Pair>, Failure> {
        let (Some(data), Some(wraps)) = (&self.bucket, &self.wraps_bucket) else { return Ok(None) };
        let apart = |one: &str, other: &str| {
            !format!("{other}/").starts_with(&format!("{}/", one.trim_end_matches('/')))
        };
        if !apart(data, wraps) || !apart(wraps, data) {
            return Err(Failure::Usage(say::text("backup-apart", &[])));
        }
        let keys = passwords::password(self.s3_credentials.as_deref())?;
        let (access, secret) =
            keys.split_once('\n').ok_or_else(|| Failure::Usage(say::text("bucket-credentials", &[])))?;
        let authorities = self.s3_ca.as_deref().map(|path| read_text(path, CA_BYTES)).transpose();
        let authorities = authorities.map_err(wiring::io("ca"))?;
        let open = |address: &str| {
            let bad = || Failure::Usage(say::text("bucket-address", &[&address]));
            let (bucket, prefix) = named(address).ok_or_else(bad)?;
            let place = Place {
                endpoint: self.s3_endpoint.clone().unwrap_or_default(),
                authorities: authorities.clone(),
                region: self.s3_region.clone(),
                access: access.trim().to_owned(),
                secret: secret.trim().to_owned(),
                bucket,
                prefix,
            };
            Bucket::new(place, || ::archive::Clock::now(&crate::clock::SystemClock))
                .map_err(|e| Failure::Usage(say::text("bucket-endpoint", &[&e])))
        };
        Ok(Some(Pair([open(data)?, open(wraps)?])))
    }
}

/// Bucket and prefix of `s3://BUCKET/PREFIX`.
fn named(address: &str) -> Option<(String, String)> {
    let rest = address.strip_prefix("s3://")?.trim_end_matches('/');
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let good = (3..=63).contains(&bucket.len()) && bucket.chars().all(letters);
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    good.then(|| (bucket.to_owned(), prefix))
}

impl Pair {
    /// Puts what is not there yet, wraps before the state that needs them; what the backup has let go goes there, too.
    pub async fn push(&self, folders: [&Path; 2]) -> Result<u64, Failure> {
        let mut put = 0;
        let mut both = self.0.iter().zip(folders).collect::<Vec<_>>();
        both.reverse();
        for (bucket, folder) in both {
            let here = files(folder).map_err(wiring::io("backup"))?;
            let there = bucket.list().await.map_err(refused)?;
            self.ours(bucket, folder, &there).await?;
            let mut due = missing(&here, &there);
            due.sort_by_key(|name| (*name != MARK, name.ends_with(MANIFEST), (*name).clone()));
            let progress = Progress::new("bucket", due.len() as u64);
            for name in &due {
                bucket.put(name, &folder.join(name)).await.map_err(refused)?;
                progress.step();
            }
            progress.done();
            put += due.len() as u64;
            // A copy whose manifest is gone is none; then the rest of it.
            let mut gone: Vec<&String> = there.keys().filter(|name| !here.contains_key(*name)).collect();
            gone.sort_by_key(|name| !name.ends_with(MANIFEST));
            for name in gone {
                bucket.delete(name).await.map_err(refused)?;
            }
        }
        Ok(put)
    }

    /// What is not of this backup is deleted there: only where nothing lies, or a copy of this backup.
    async fn ours(
        &self,
        bucket: &Bucket,
        folder: &Path,
        there: &BTreeMap<String, u64>,
    ) -> Result<(), Failure> {
        if there.is_empty() {
            return Ok(());
        }
        let other = || Failure::Text(say::text("bucket-other", &[]));
        if !there.contains_key(MARK) {
            return Err(other());
        }
        let mark = folder.join(format!("{MARK}.part"));
        bucket.get(MARK, &mark).await.map_err(refused)?;
        let same = std::fs::read(&mark).ok() == std::fs::read(folder.join(MARK)).ok();
        std::fs::remove_file(&mark).map_err(wiring::io("backup"))?;
        if same { Ok(()) } else { Err(other()) }
    }

    /// Fetches what is not here yet into the folders of a backup; what was not put whole stays there.
    pub async fn pull(&self, folders: [&Path; 2]) -> Result<(), Failure> {
        for (bucket, folder) in self.0.iter().zip(folders) {
            let there = whole(bucket.list().await.map_err(refused)?);
            make_private_folder(folder).map_err(wiring::io("backup"))?;
            let here = files(folder).map_err(wiring::io("backup"))?;
            let due = missing(&there, &here);
            let progress = Progress::new("bucket", due.len() as u64);
            for name in due {
                let path = folder.join(name);
                if let Some(parent) = path.parent() {
                    make_private_folder(parent).map_err(wiring::io("backup"))?;
                }
                bucket.get(name, &path).await.map_err(refused)?;
                progress.step();
            }
            progress.done();
        }
        Ok(())
    }
}

fn refused(error: gateway::s3::Refused) -> Failure {
    Failure::Text(say::text("bucket-refused", &[&error]))
}

/// Names on one side that the other lacks, or has in another size.
fn missing<'a>(from: &'a BTreeMap<String, u64>, to: &BTreeMap<String, u64>) -> Vec<&'a String> {
    from.iter().filter(|(name, size)| to.get(*name) != Some(size)).map(|(name, _)| name).collect()
}

/// Files of a backup by their names below its folder, with their sizes; not what is being written, nor the lock.
fn files(folder: &Path) -> std::io::Result<BTreeMap<String, u64>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(one) = folders.pop() {
        for entry in std::fs::read_dir(&one)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let passing = path.extension().is_some_and(|e| e == "part" || e == "new");
            if passing || path.file_name().is_some_and(|name| name == "lock") {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str)
            {
                out.insert(name.to_owned(), entry.metadata()?.len());
            }
        }
    }
    Ok(out)
}

/// Names that lead somewhere below a folder and nowhere else; numbered copies only with their manifest.
fn whole(there: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let copies: BTreeSet<String> =
        there.keys().filter_map(|name| name.strip_suffix(MANIFEST)).map(str::to_owned).collect();
    let safe = |name: &str| {
        !name.is_empty()
            && name
                .split('/')
                .all(|part| !part.is_empty() && part != "." && part != ".." && !part.contains('\\'))
    };
    let copy_of = |name: &str| {
        let (folder, _) = name.rsplit_once('/')?;
        let number = folder.rsplit('/').next()?;
        (number.len() == 8 && number.bytes().all(|b| b.is_ascii_digit())).then(|| format!("{folder}/"))
    };
    let kept = |name: &String| safe(name) && copy_of(name).is_none_or(|copy| copies.contains(&copy));
    there.into_iter().filter(|(name, _)| kept(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_buckets() {
        let good = |bucket: &str, prefix: &str| Some((bucket.to_owned(), prefix.to_owned()));
        assert_eq!(named("s3://gauze-backup"), good("gauze-backup", ""));
        assert_eq!(named("s3://gauze-backup/house/a/"), good("gauze-backup", "house/a/"));
        for bad in ["gauze", "https://gauze", "s3://", "s3://ab", "s3://Upper", "s3://a b c"] {
            assert_eq!(named(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_of_a_bucket_lead_nowhere_else_and_half_copies_stay() {
        let there = [
            "states/00000001/backup.json",
            "states/00000001/tail",
            "states/00000002/tail",
            "ledger/00000001",
            "00000003/wraps.sqlite",
            "00000004/backup.json",
            "../x",
            "/etc/passwd",
            "a//b",
            "gauze-backup",
        ];
        let kept = whole(there.iter().map(|name| ((*name).to_owned(), 1)).collect());
        let kept: Vec<&str> = kept.keys().map(String::as_str).collect();
        assert_eq!(
            kept,
            [
                "00000004/backup.json",
                "gauze-backup",
                "ledger/00000001",
                "states/00000001/backup.json",
                "states/00000001/tail"
            ]
        );
    }
}
