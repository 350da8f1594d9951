//! Files that are wrong, short, or without results.

use super::*;

const HEAD: &str = "run_id,ram_mib,fill_mib,ws_pages,rate_target,bw_cap_bytes_s,downtime_limit_ms,fault";

fn wrong(text: &str) -> String {
    predict(text).expect_err("a wrong file")
}

#[test]
fn a_bad_cell_is_an_error_with_line_and_column() {
    let with = |cells: &str| wrong(&format!("{HEAD}\na,256,128,256,10,0,300,\n{cells}\n"));
    assert!(with("b,256,128,many,10,0,300,").starts_with("line 3, column ws_pages: `many`"));
    assert!(with("b,256,128,256,-1,0,300,").starts_with("line 3, column rate_target: `-1`"));
    assert!(with("b,256,128,256,10,NaN,300,").starts_with("line 3, column bw_cap_bytes_s"));
    assert!(with("b,256,128,256,10,0,300,fire").contains("write cancel, kill-dest or link-down-SECONDS"));
    assert!(with("b,,128,256,10,0,300,").starts_with("line 3, column ram_mib"));
    assert!(wrong("ram_mib\n256\n").contains("no column `run_id`"));
}

/// Name and memory are enough: an idle guest without zero pages under QEMU's cap of 128 MiB/s, 103 flushes of
/// 32 pages in 100 ms. 65,536 + 130 pages of 4104 B are 19.9 such windows: the burst of the last ends its
/// life in the pause.
#[test]
fn missing_columns_are_as_qemu_ships() {
    let answer = predict("run_id,ram_mib\na,256\n").expect("a good file");
    let row = &answer.json[0];
    assert_eq!(row["outcome"], "completed");
    assert_eq!(row["transferred_bytes"], (65_536 + 130) * 4104);
    assert_eq!(answer.rows[0].len(), answer.heads.len());
    assert!(answer.summary.is_empty());
}

/// Cancelled 3 s after the start: what 31 windows carry, and nobody stood still.
#[test]
fn a_cancelled_run_says_so_in_the_words_of_the_file() {
    let text = format!("{HEAD}\na,4096,4096,256,10,67108864,300,cancel\n");
    let answer = predict(&text).expect("a good file");
    let row = &answer.json[0];
    assert_eq!((&row["outcome"], &row["downtime_ms"]), (&json!("cancelled"), &Value::Null));
    assert_eq!(row["transferred_bytes"], 31 * 52 * 32 * 4104);
}

/// Measured columns change nothing in what is said of a run.
#[test]
fn results_are_not_looked_at() {
    let blind = format!("{HEAD}\na,1024,512,65536,5000,67108864,300,\n");
    let seen = format!("{HEAD},status,total_time_ms\na,1024,512,65536,5000,67108864,300,,failed,1\n");
    let (blind, seen) = (predict(&blind).expect("good"), predict(&seen).expect("good"));
    assert_eq!(blind.json, seen.json);
    assert_eq!(seen.rows[0].len(), seen.heads.len());
    assert!(seen.summary[0].starts_with("outcome: 0 of 1"));
}

/// Of four rows one was held back by the machine and one has no result: two are left for the errors, and the
/// table says so beside each.
#[test]
fn rows_without_a_part_in_the_errors_are_marked() {
    let row = |name: &str, results: &str| format!("{name},1024,512,256,10,67108864,300,,{results}\n");
    let rows = row("a", "completed,4000,0")
        + &row("b", "completed,9000,1")
        + &row("c", ",,")
        + &row("d", "timeout-failed,4000,0");
    let answer = predict(&format!("{HEAD},status,total_time_ms,cpu_limited\n{rows}")).expect("a good file");
    let marks: Vec<&str> = answer.rows.iter().map(|r| r.last().expect("cells").as_str()).collect();
    assert_eq!(marks, ["", "machine's CPU", "not measured", ""]);
    assert_eq!(answer.heads.last(), Some(&"left out"));
    assert_eq!(
        answer.summary[..2],
        [
            "outcome: 2 of 3 as measured (timeout-failed counts as timeout-cancelled)",
            "errors over 2 of 4 rows; left out: 1 held back by the machine's CPU (cpu_limited), 1 without a status"
        ]
    );
}
