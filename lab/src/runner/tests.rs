use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::experiment::{Experiment, Options, Override};
use crate::results::{Provenance, Run, Summary, TraceRows, Writer};
use burstlab_algorithms::Registry;

fn experiment(cells: usize) -> Experiment {
    let registry = Registry::default();
    let counts = (1..=cells).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let overrides = [Override::parse(&format!("flow.count=[{counts}]")).unwrap()];
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../experiments/incast-dctcp.toml");
    Experiment::load(&file, &Options { overrides: &overrides, quick: false, registry: &registry }).unwrap()
}

fn count(cell: &Cell) -> u32 {
    cell.flows[0].count
}

fn result(cell: &Cell) -> CellResult {
    let run = Run { controller: cell.controller.clone(), copies: count(cell), ..Run::default() };
    let flows = vec![crate::results::FlowRow { flow: 3, bytes: u64::from(count(cell)), ..Default::default() }];
    CellResult { run, flows, ..CellResult::default() }
}

fn threads(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// Runs and collects what was emitted, by its count.
fn run(cells: &[Cell], at_a_time: usize, stop: &Stop, cell: &RunCell<'_>) -> (Vec<u32>, Result<(), RunError>) {
    let mut emitted = Vec::new();
    let progress = Progress::hidden(cells);
    let outcome = run_cells(cells, threads(at_a_time), cell, stop, &progress, |result| {
        emitted.push(result.run.copies);
        Ok(())
    });
    (emitted, outcome)
}

#[test]
fn results_come_in_the_order_of_the_cells_whoever_ends_first() {
    let cells = experiment(4).cells;
    // The first cell waits until the second has ended.
    let (sender, receiver) = mpsc::channel();
    let (sender, receiver) = (Mutex::new(sender), Mutex::new(receiver));
    let (emitted, outcome) = run(&cells, 2, &Stop::default(), &|cell, _| {
        match count(cell) {
            1 => receiver.lock().unwrap().recv().unwrap(),
            2 => sender.lock().unwrap().send(()).unwrap(),
            _ => {}
        }
        Ok(result(cell))
    });
    assert_eq!((emitted, outcome), (vec![1, 2, 3, 4], Ok(())));
}

#[test]
fn a_stop_keeps_what_has_ended_and_cancels_what_runs() {
    let cells = experiment(4).cells;
    let stop = Stop::default();
    let cancelled = AtomicBool::new(false);
    let (emitted, outcome) = run(&cells, 1, &stop, &|cell, monitor| match count(cell) {
        1 => Ok(result(cell)),
        _ => {
            stop.stop();
            cancelled.store(monitor.cancel.load(Ordering::Relaxed), Ordering::Relaxed);
            Err(RunError::Stopped)
        }
    });
    assert_eq!((emitted, outcome), (vec![1], Err(RunError::Stopped)));
    assert!(cancelled.load(Ordering::Relaxed), "the monitor tells the run");
    assert!(stop.monitor().cancel.load(Ordering::Relaxed), "and every run that begins later");
}

#[test]
fn a_failure_is_told_and_not_the_stop_that_follows_from_it() {
    let cells = experiment(3).cells;
    let (emitted, outcome) = run(&cells, 1, &Stop::default(), &|cell, _| match count(cell) {
        2 => Err(RunError::Input("no such thing".to_owned())),
        _ => Ok(result(cell)),
    });
    assert_eq!((emitted, outcome), (vec![1], Err(RunError::Input("no such thing".to_owned()))));
}

#[test]
fn a_panic_in_a_cell_is_an_error_of_that_cell() {
    let cells = experiment(2).cells;
    let (emitted, outcome) = run(&cells, 1, &Stop::default(), &|cell, _| match count(cell) {
        1 => Ok(result(cell)),
        _ => std::panic::resume_unwind(Box::new("queue underflow")),
    });
    assert_eq!(emitted, [1]);
    assert_eq!(outcome.unwrap_err().to_string(), "internal error: queue underflow under dctcp");
}

#[test]
fn a_results_folder_appears_with_the_first_cell_and_grows_by_whole_cells() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results/x");
    let experiment = experiment(2);
    let mut writer = Writer::new(results.clone(), &experiment, Provenance::default(), TraceRows::default());
    assert!(!results.exists());
    writer.add(result(&experiment.cells[0])).unwrap();
    writer.add(result(&experiment.cells[1])).unwrap();
    let summary = Summary::read(&results).unwrap();
    assert_eq!((summary.runs.len(), summary.complete), (2, false));
    assert_eq!(&summary, writer.summary());
    let flows = std::fs::read_to_string(results.join("flows.csv")).unwrap();
    insta::assert_snapshot!(flows);
    writer.complete().unwrap();
    assert!(Summary::read(&results).unwrap().complete);
    // A later experiment leaves nothing of this one.
    let mut writer = Writer::new(results.clone(), &experiment, Provenance::default(), TraceRows::default());
    writer.add(result(&experiment.cells[1])).unwrap();
    assert_eq!(Summary::read(&results).unwrap().runs.len(), 1);
    assert_eq!(std::fs::read_to_string(results.join("flows.csv")).unwrap().lines().count(), 2);
    assert_eq!(std::fs::read_to_string(results.join("bursts.csv")).unwrap().lines().count(), 1);
}
