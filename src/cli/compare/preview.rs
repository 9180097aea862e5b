//! What a sweep will take, said before it is run.
//!
//! Owns the sentence. What is not known is left out, and what is the worst case says so.

use crate::core::bench::Bench;
use crate::core::figure;
use crate::core::sweep::preflight::{Preflight, Refusal};

/// Returns what a sweep will take, in a line.
pub(super) fn summary(bench: &Bench, preflight: &Preflight) -> String {
    let sweep = bench.sweep();
    let axes: Vec<String> = sweep
        .axes()
        .iter()
        .map(|axis| format!("{} × {}", axis.parameter(), axis.values().len()))
        .chain((sweep.repeats() > 1).then(|| format!("repeat × {}", sweep.repeats())))
        .collect();
    let mut parts = vec![
        if axes.is_empty() {
            format!("{} requests", preflight.requests)
        } else {
            format!("{} = {} requests", axes.join(", "), preflight.requests)
        },
        format!("{} tok in", figure::count(preflight.input)),
    ];
    parts.extend(preflight.repeated(false));
    parts.extend(preflight.output_limit.map(|limit| format!("≤ {} tok out", figure::whole(limit))));
    parts.extend(preflight.dollars.map(|dollars| format!("≤ {}", figure::dollars(dollars))));
    parts.extend(preflight.seconds.map(|seconds| format!("≈ {}", figure::duration_ms(seconds * 1000.0))));
    let refused = preflight.refusals.iter().filter(|refusal| refusal.is_varied).count();
    parts.extend((refused > 0).then(|| format!("{refused} cells refused")));
    parts.join(" · ")
}

/// Returns why a cell is not sent.
pub(super) fn refusal(refusal: &Refusal) -> String {
    format!("{}: {}", refusal.parameter, refusal.reason)
}
