//! `gauze policy`: the rules of who may see and do what, read and tried. They are proposed and put in force by two persons
//! in the pages or the API.

use super::backup::arrival;
use super::import::archive;
use super::{Done, Failure, home, runtime};
use crate::say;
use crate::wiring::{self, Error, io};
use clap::{Args, Subcommand};
use model::Uid;
use policy::Texts;
use port::govern::{Answer, Ask, MatrixLine, Outcome, Rules, Which, WhoSees};
use port::{Archive, Call, Credential, Request, Response};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `policy`.
#[derive(Debug, Args)]
#[command(after_help = "Example: gauze policy check --rules draft/\n\
A folder of rules holds default.cedar and rights.cedar, as GAUZE_HOME/policies does; without --rules it is about the rules in\n\
force. Works with a running archive as well as with a stopped one; check and matrix of a folder need no archive.")]
pub struct Policy {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the rules in force, and what is proposed.
    Show(Common),
    /// Whether rules parse and validate, and which of them never hold, are overruled, or change nothing.
    Check(Common),
    /// Who sees what: role x purpose x tie x class, as a table.
    Matrix(Matrix),
    /// Who would see what of a study, and by which rules.
    Explain(Explain),
    /// The newest decisions of the ledger again: what would be different.
    Replay(Replay),
    /// Print a law profile: what it asks, where that was read, and whether counsel confirmed it.
    Law(Law),
}

#[derive(Debug, Args)]
struct Common {
    /// Folder with other rules than those in force.
    #[arg(long)]
    rules: Option<PathBuf>,
    /// The home.
    #[arg(long)]
    home: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Law {
    /// cn, eu or us.
    #[arg(default_value = "cn")]
    name: String,
}

#[derive(Debug, Args)]
struct Matrix {
    #[command(flatten)]
    common: Common,
    /// Body part (0018,0015) that is told apart; may be given several times.
    #[arg(long = "body-part")]
    body_parts: Vec<String>,
}

#[derive(Debug, Args)]
struct Explain {
    /// Study Instance UID.
    study: Uid,
    /// One account or machine; what it would not see is told, too.
    #[arg(long)]
    user: Option<String>,
    /// The home.
    #[arg(long)]
    home: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Replay {
    #[command(flatten)]
    common: Common,
    /// So many decisions, at most 10,000.
    #[arg(long, default_value_t = 1_000)]
    last: u64,
}

pub fn run(command: &Policy) -> Done {
    match &command.what {
        What::Show(common) => told(common.json, ask(common.home.as_ref(), Ask::Show)?),
        What::Check(common) => {
            let answer = tried(common, &|set| ::archive::checked(&set), Ask::Check)?;
            told(common.json, answer)
        }
        What::Matrix(Matrix { common, body_parts }) => {
            let parts = || body_parts.clone();
            let whole = |which| Ask::Matrix { which, body_parts: parts() };
            let answer = tried(common, &|set| ::archive::table(&set, &parts()), whole)?;
            told(common.json, answer)
        }
        What::Law(Law { name }) => law(name),
        What::Explain(Explain { study, user, home, json }) => {
            told(*json, ask(home.as_ref(), Ask::Explain { study: study.clone(), user: user.clone() })?)
        }
        What::Replay(Replay { common, last }) => {
            let which = match &common.rules {
                Some(folder) => Which::Given(rules(read(folder)?)),
                None => Which::InForce,
            };
            told(common.json, ask(common.home.as_ref(), Ask::Replay { which, last: *last })?)
        }
    }
}

fn law(name: &str) -> Done {
    let Some(law) = crate::law::Law::named(name) else {
        let known: Vec<_> = crate::law::Law::names().collect();
        return Err(Failure::Usage(say::text("policy-law-unknown", &[&name, &known.join(", ")])));
    };
    let confirmed = |yes: bool| say::text(if yes { "policy-confirmed" } else { "policy-not-confirmed" }, &[]);
    let row = |row: &crate::law::Row| {
        vec![row.key.clone(), row.value.to_string(), confirmed(row.confirmed_by_counsel), row.source.clone()]
    };
    table(law.row.iter().map(row).collect());
    Ok(())
}

/// A folder's rules by themselves; those in force by the archive.
fn tried(
    common: &Common,
    alone: &dyn Fn(::archive::InForce) -> Answer,
    whole: impl Fn(Which) -> Ask,
) -> Result<Answer, Failure> {
    let Some(folder) = &common.rules else { return ask(common.home.as_ref(), whole(Which::InForce)) };
    Ok(match ::archive::InForce::of(read(folder)?) {
        Ok(set) => alone(set),
        Err(error) => Answer::Faulty(error.to_string()),
    })
}

fn read(folder: &Path) -> Result<Texts, Failure> {
    let one = |name: &str| -> Result<String, Failure> {
        let mut text = String::new();
        let file = std::fs::File::open(folder.join(name)).map_err(io("policies"))?;
        // One more than what a set may have, so that a longer one is refused and not cut.
        let most = policy::policies::POLICY_BYTES as u64 + 1;
        file.take(most).read_to_string(&mut text).map_err(io("policies"))?;
        Ok(text)
    };
    Ok(Texts { pictures: one("default.cedar")?, rights: one("rights.cedar")? })
}

fn rules(texts: Texts) -> Rules {
    Rules { pictures: texts.pictures, rights: texts.rights }
}

fn ask(named: Option<&PathBuf>, ask: Ask) -> Result<Answer, Failure> {
    let home = home(named);
    if !home.exists() {
        return Err(Error::NoHome(home.path().into()).into());
    }
    wiring::harden();
    runtime()?.block_on(async {
        let (archive, own) = archive(&home).await?;
        let answer = asked(&archive, ask).await;
        if let Some(vault) = own {
            vault.stop().await.map_err(Error::from)?;
        }
        answer
    })
}

async fn asked(archive: &Arc<dyn Archive>, ask: Ask) -> Result<Answer, Failure> {
    let request = Request::Govern(Box::new(ask));
    let call = Call { credential: Credential::Local, arrival: arrival("policy"), request };
    match archive.call(call, port::empty()).await {
        Ok((Response::Governed(answer), _)) => Ok(*answer),
        Ok(_) => Err(Failure::Text(say::text("internal", &[]))),
        Err(fault) => Err(Failure::Text(say::text(fault.code.as_str(), &[]))),
    }
}

/// Prints an answer. Rules that cannot do what they say, and decisions that come out otherwise than recorded, are failures.
fn told(json: bool, answer: Answer) -> Done {
    let fails = match &answer {
        Answer::Faulty(_) => true,
        Answer::Checked { findings, .. } => findings.iter().any(|(_, trouble)| trouble != "idle"),
        Answer::Replayed(replayed) => replayed.contradicted > 0,
        _ => false,
    };
    if json {
        say::line(&gateway::rules_json(answer).to_string());
    } else {
        in_words(answer);
    }
    if fails { Err(Failure::Reported) } else { Ok(()) }
}

fn in_words(answer: Answer) {
    match answer {
        Answer::Faulty(why) => say::note("policy-faulty", &[&why]),
        Answer::Shown(now) => {
            say::line(&say::text("policy-version", &[&now.version]));
            for p in &now.proposals {
                say::line(&say::text("policy-proposal", &[&p.id, &p.by, &p.at.rfc3339(), &p.reason]));
            }
            say::line(&now.rules.pictures);
            say::line(&now.rules.rights);
        }
        Answer::Checked { findings, questions, cut, .. } => {
            for (rule, trouble) in &findings {
                say::line(&format!("{rule}: {}", say::text(&format!("policy-{trouble}"), &[])));
            }
            say::line(&say::text("policy-checked", &[&questions, &findings.len()]));
            if cut {
                say::note("policy-cut", &[]);
            }
            say::note("policy-no-solver", &[]);
        }
        Answer::Matrix { lines, .. } => table(lines.iter().map(matrix_line).collect()),
        Answer::Explained { lines, .. } => table(lines.iter().map(who_sees).collect()),
        Answer::Replayed(replayed) => {
            let line = |c: &port::govern::Change| {
                let cells = [&c.index.to_string(), &c.time.rfc3339(), &c.user, &c.role, &c.purpose];
                let study = c.study.as_ref().map(Uid::to_string).unwrap_or_default();
                let after = format!("{} -> {}", c.before, c.after.sees);
                cells.into_iter().cloned().chain([study, after, c.after.rules.join(" ")]).collect()
            };
            table(replayed.changes.iter().map(line).collect());
            let counts: [&dyn std::fmt::Display; 5] = [
                &replayed.decisions,
                &replayed.untold,
                &replayed.confirmed,
                &replayed.contradicted,
                &replayed.changed,
            ];
            say::line(&say::text("policy-replayed", &counts));
        }
    }
}

fn matrix_line(line: &MatrixLine) -> Vec<String> {
    let class = if line.withheld_class { "withheld-class" } else { "-" };
    let parts = if line.body_parts.is_empty() { "*".to_owned() } else { line.body_parts.join(",") };
    let head = [&line.role, &line.purpose, &line.tie].map(Clone::clone);
    head.into_iter().chain([class.to_owned(), parts]).chain(cells(&line.outcome)).collect()
}

fn who_sees(line: &WhoSees) -> Vec<String> {
    let ties = if line.ties.is_empty() { "-".to_owned() } else { line.ties.join(",") };
    let head = [&line.user, &line.role, &line.purpose, &ties].map(Clone::clone);
    head.into_iter().chain(cells(&line.outcome)).collect()
}

fn cells(outcome: &Outcome) -> [String; 3] {
    let lift = if outcome.may_lift { "lift" } else { "-" };
    [outcome.sees.clone(), lift.to_owned(), outcome.rules.join(" ")]
}

/// Columns as wide as their widest cell.
fn table(rows: Vec<Vec<String>>) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|c| c.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        say::line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
