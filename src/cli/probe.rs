//! `probe`: finds out what a model at an endpoint really does, and keeps it.
//!
//! States what it costs before anything is sent, and sends nothing without a yes: on a terminal it asks,
//! elsewhere `--yes` says it. With `--kept` nothing is: what was found out the last time is printed.

use crate::access::probe::{self, Progress};
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::interrupt::{Interrupt, block_on};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::core::fault::{Fault, FaultKind};
use crate::core::figure::{dollars, whole};
use crate::core::probe::{Cost, Finding, Subject};
use crate::core::text::printable;
use std::io;

/// Asks whether it may begin, probes, and prints what was found out.
pub(super) fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let session = Session::new(flags, output)?;
    block_on(async |interrupt| {
        let subject = session.subject(interrupt).await?;
        if flags.is_on("kept") {
            let found = session.known.finding(&subject.endpoint, &subject.model);
            return print(found.ok_or_else(|| unprobed(&subject))?, flags, output);
        }
        let cost = Cost::most(session.known.config.card(&subject.model).price.as_ref());
        output.note(&offer(&subject, &cost));
        if !flags.is_on("yes") && !agreed(output, interrupt).await? {
            output.note("nothing was sent");
            return Ok(());
        }
        let client = session.client(interrupt).await?;
        let finding = {
            let each = |Progress { done, question, attempt }: Progress| {
                let again = if attempt > 1 { format!(", try {attempt}") } else { String::new() };
                output.progress(&format!("{done} of up to {} · {}{again}", cost.requests, question.label()));
            };
            interrupt.or(probe::run(&client, &subject, each)).await?.map_err(Failure::Failed)?
        };
        if let Err(fault) = probe::store(&session.data_dir, finding.clone()) {
            output.note(&format!("note: {fault}"));
        }
        print(&finding, flags, output)
    })
}

/// Returns what is about to be sent, and what it costs.
fn offer(subject: &Subject, cost: &Cost) -> String {
    let price = match cost.dollars {
        Some(amount) => format!("at most {}", dollars(amount)),
        None => "no price is known".to_owned(),
    };
    format!(
        "{} at {}: up to {} requests, at most {} tokens in and {} out; {price}",
        subject.model,
        subject.endpoint,
        cost.requests,
        whole(cost.input_tokens),
        whole(cost.output_tokens),
    )
}

/// Asks whether it may begin.
async fn agreed(output: &mut Output, interrupt: &mut Interrupt) -> Result<bool, Failure> {
    if !output.can_ask() {
        return Err(Failure::wrong(
            "A probe sends requests, and nobody can be asked whether it may",
            "Say so with --yes",
        ));
    }
    output.ask("Begin? [y/N] ");
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    let line = interrupt.or(read).await?.map_err(io::Error::other)??;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn unprobed(subject: &Subject) -> Failure {
    let message = format!("Model {} at endpoint {} was never probed", subject.model, subject.endpoint);
    Failure::Failed(Fault::new(FaultKind::Local, message).remedy("Leave --kept out to probe it now"))
}

fn print(finding: &Finding, flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    if flags.is_on("json") {
        output.json(finding)?;
        return output.flush();
    }
    let mut table = Table::new(&[]);
    for (name, what) in finding.lines() {
        table.row(vec![printable(&name).into_owned(), printable(&what).into_owned()]);
    }
    table.lines(&[]).iter().try_for_each(|line| output.line(line))?;
    output.flush()
}
