//! The lab file as a table, for `duress schema lab`; tests keep it equal to what is parsed and printed.

mod fields;
mod figures;
#[cfg(test)]
mod tests;

pub use fields::FIELDS;
pub use figures::{FIGURES, Figures};

use crate::scenario::schema::{write_fields, write_quantities};
use std::fmt::Write;

/// The format and the figures as text.
pub fn text() -> String {
    let mut out = String::from(
        "A lab file is RON: Lab(field: value, ...); `duress run` plays it. Fields of a part are written without\n\
         the name of its kind: (name: \"queue\", is: Station(servers: 2, ...))\n\n",
    );
    write_fields(FIELDS, &mut out);
    out.push_str(
        "\nFigures, each behind the name of its part (queue.wait.p99); samples are seconds, as .mean, .p50, .p90,\n\
         .p99, .p999 and .max:\n",
    );
    for f in FIGURES {
        let names = f.names.split(' ').collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "{:<14} {names} ({}): {}", f.kind, f.unit, f.meaning);
    }
    write_quantities(&mut out);
    out
}
