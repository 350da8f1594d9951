//! Traces of demand: a CSV with a time column `t_s` and one column per VM.

use sim_core::{Span, dist::Trace};

/// Most samples a file may have, over all columns.
const MOST_SAMPLES: usize = 2_000_000;

/// Reads a trace file into columns, each scaled to mean 1. An empty cell is a missing sample: the value
/// before it goes on (at the start, the first one known). `Err` names the line and what is wrong there.
pub fn columns(text: &str) -> Result<Vec<Trace>, String> {
    let mut lines = text.lines().zip(1..).map(|(line, n)| (n, line.trim_end()));
    let (_, header) = lines.next().ok_or("the file is empty")?;
    let names: Vec<&str> = header.split(',').collect();
    if names[0] != "t_s" || names.len() < 2 {
        return Err("line 1: the first column must be `t_s`, with at least one column after it".into());
    }
    let mut times: Vec<f64> = Vec::new();
    let mut cells: Vec<Vec<Option<f64>>> = vec![Vec::new(); names.len() - 1];
    for (n, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let (time, samples) = row(line).map_err(|e| format!("line {n}: {e}"))?;
        if samples.len() != cells.len() {
            return Err(format!("line {n}: {} columns instead of {}", samples.len() + 1, names.len()));
        }
        if times.len() * cells.len() >= MOST_SAMPLES {
            return Err(format!("line {n}: more than {MOST_SAMPLES} samples"));
        }
        times.push(time);
        for (column, sample) in cells.iter_mut().zip(samples) {
            column.push(sample);
        }
    }
    let step = step(&times)?;
    names[1..].iter().zip(cells).map(|(name, column)| scaled(name, &column, step)).collect()
}

fn row(line: &str) -> Result<(f64, Vec<Option<f64>>), String> {
    let mut fields = line.split(',');
    let time = number(fields.next().unwrap_or_default())?.ok_or("no time")?;
    Ok((time, fields.map(number).collect::<Result<_, _>>()?))
}

fn number(cell: &str) -> Result<Option<f64>, String> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Ok(None);
    }
    match cell.parse::<f64>() {
        Ok(v) if (0.0..=1e12).contains(&v) => Ok(Some(v)),
        _ => Err(format!("`{cell}` is not a number from 0 to 1e12")),
    }
}

/// The one step between all rows.
fn step(times: &[f64]) -> Result<Span, String> {
    let [first, second, ..] = times else { return Err("at least two rows are needed".into()) };
    let step = second - first;
    let even = times.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 1e-6);
    if step <= 0.0 || !even {
        return Err("the times must rise in equal steps".into());
    }
    Ok(Span::from_secs_f64(step))
}

fn scaled(name: &str, column: &[Option<f64>], step: Span) -> Result<Trace, String> {
    let first = column.iter().flatten().next().ok_or_else(|| format!("column {name}: no sample"))?;
    let mut last = *first;
    let filled: Vec<f64> = column
        .iter()
        .map(|cell| {
            last = cell.unwrap_or(last);
            last
        })
        .collect();
    let mean = filled.iter().sum::<f64>() / filled.len() as f64;
    if mean <= 0.0 {
        return Err(format!("column {name}: only zeros, which cannot be scaled to a mean"));
    }
    let scaled: Vec<f64> = filled.iter().map(|v| v / mean).collect();
    Trace::new(step, &scaled).map_err(|e| format!("column {name}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::SimTime;

    #[test]
    fn columns_are_scaled_and_gaps_filled_with_the_value_before() {
        // a: 1, 1 (gap), 4 -> mean 2, so 0.5, 0.5, 2. b: 6 (first known), 6, 3 -> mean 5, so 1.2, 1.2, 0.6.
        let got = columns("t_s,a,b\n0,1,\n300,,6\n600,4,3\n").unwrap();
        let at = |c: usize, s: u64| got[c].value_at(SimTime::ZERO + Span::secs(s));
        assert_eq!([at(0, 0), at(0, 300), at(0, 600), at(0, 900)], [0.5, 0.5, 2.0, 0.5]);
        assert_eq!([at(1, 0), at(1, 300), at(1, 600)], [1.2, 1.2, 0.6]);
        assert_eq!(got[0].step(), Span::secs(300));
    }

    #[test]
    fn a_broken_file_is_refused_with_the_line() {
        let bad = [
            ("", "the file is empty"),
            ("time,a\n", "line 1: the first column must be `t_s`"),
            ("t_s,a\n0,1\n300,x\n", "line 3: `x` is not a number"),
            ("t_s,a\n0,1\n300,-1\n", "line 3: `-1` is not a number"),
            ("t_s,a\n0,1\n300,1,2\n", "line 3: 3 columns instead of 2"),
            ("t_s,a\n0,1\n", "at least two rows"),
            ("t_s,a\n0,1\n300,1\n500,1\n", "equal steps"),
            ("t_s,a\n0,\n300,\n", "column a: no sample"),
            ("t_s,a\n0,0\n300,0\n", "column a: only zeros"),
        ];
        for (text, want) in bad {
            let got = columns(text).unwrap_err();
            assert!(got.starts_with(want) || got.contains(want), "{text:?}: {got}");
        }
    }
}
