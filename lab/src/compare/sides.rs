//! Which results are held against which, and what else is different about them.

use std::collections::BTreeSet;

use super::Error;
use super::results::Results;
use crate::results::Run;

/// Keys that say where and how often an experiment runs, not what it is.
const WHERE_AND_HOW_OFTEN: [&str; 6] =
    ["run.on", "run.repeat", "run.threads", "run.time_scale", "run.busy_poll", "run.addresses"];

/// One side of a comparison: results, and those of their runs that belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Side<'a> {
    /// The results.
    pub results: &'a Results,
    /// The runs.
    pub runs: Vec<&'a Run>,
}

/// Both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Sides<'a> {
    /// What is held against real time: virtual time, or other results in real time.
    pub reference: Side<'a>,
    /// Real time.
    pub real: Side<'a>,
    /// Whether the reference ran in virtual time.
    pub is_virtual: bool,
    /// Whether the arguments came the other way round.
    pub swapped: bool,
}

impl<'a> Sides<'a> {
    /// Of two results in either order. Of results that ran in both, the runs that the other side lacks are taken.
    ///
    /// # Errors
    /// If both are of virtual time alone.
    pub fn of(first: &'a Results, second: &'a Results) -> Result<Sides<'a>, Error> {
        let [first_virtual, second_virtual] = [first, second].map(|results| results.runs_on(true));
        let [first_real, second_real] = [first, second].map(|results| results.runs_on(false));
        let side = |results, runs| Side { results, runs };
        let sides = |reference, real, is_virtual, swapped| Sides { reference, real, is_virtual, swapped };
        match [&first_virtual, &second_real, &first_real, &second_virtual].map(|runs| !runs.is_empty()) {
            [true, true, ..] => Ok(sides(side(first, first_virtual), side(second, second_real), true, false)),
            [_, _, true, true] => Ok(sides(side(second, second_virtual), side(first, first_real), true, true)),
            [_, true, true, _] => Ok(sides(side(first, first_real), side(second, second_real), false, false)),
            _ => Err(Error::BothVirtual { first: first.path.clone(), second: second.path.clone() }),
        }
    }

    /// What a reader has to know before taking the figures for those of one experiment: a sentence each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let [a, b] = [self.reference.results, self.real.results];
        let [at_a, at_b] = [a, b].map(|results| results.path.display());
        if self.swapped {
            notes.push(format!("{at_b} is the one in real time, so {at_a} is taken as the one in virtual time"));
        }
        if !self.is_virtual {
            notes.push(format!(
                "both ran in real time: {at_a} is A and {at_b} is B, and the noise is that of the runs of B"
            ));
        }
        if a.name != b.name {
            notes.push(format!("these are two experiments: \"{}\" in {at_a} and \"{}\" in {at_b}", a.name, b.name));
        } else if a.provenance.experiment_sha256 != b.provenance.experiment_sha256 {
            notes.push(format!("the file of experiment \"{}\" changed between {at_a} and {at_b}", a.name));
        }
        notes.extend(self.recordings());
        let [by_a, by_b] = [a, b].map(|results| settings(&results.provenance.command));
        if by_a != by_b {
            notes.push(format!("the options differ: {at_a} has {}, {at_b} has {}", told(&by_a), told(&by_b)));
        }
        notes.extend(self.seeds());
        for results in [a, b].iter().filter(|results| !results.complete) {
            notes.push(format!("{} was interrupted: not all of its runs are there", results.path.display()));
        }
        notes
    }

    fn seeds(&self) -> Option<String> {
        let seeds = |side: &Side<'_>| side.runs.iter().map(|run| run.seed).collect::<BTreeSet<_>>();
        let [a, b] = [&self.reference, &self.real].map(seeds);
        let list = |seeds: BTreeSet<u64>| seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        (a != b).then(|| format!("the seeds differ, so that chance does too: {} and {}", list(a), list(b)))
    }

    fn recordings(&self) -> Option<String> {
        let inputs = |side: &Side<'_>| {
            let inputs = side.results.provenance.inputs.iter();
            inputs.map(|input| input.sha256.clone()).collect::<Vec<_>>()
        };
        let differ = inputs(&self.reference) != inputs(&self.real);
        differ.then(|| {
            let [a, b] = [&self.reference, &self.real].map(|side| side.results.path.display());
            format!("{a} and {b} were made from different recordings")
        })
    }
}

fn told(settings: &[String]) -> String {
    if settings.is_empty() { "none".to_owned() } else { settings.join(" ") }
}

/// The options of a command line that say what the experiment is, in order.
fn settings(command: &str) -> Vec<String> {
    let (mut settings, mut words) = (Vec::new(), command.split_whitespace());
    while let Some(word) = words.next() {
        let (option, joined) = word.split_once('=').filter(|_| word.starts_with("--")).unzip();
        let option = option.unwrap_or(word);
        match option {
            "--on" => _ = joined.is_none().then(|| words.next()),
            "--set" => {
                let setting = joined.or_else(|| words.next()).unwrap_or_default();
                let key = setting.trim_start_matches('\'').split('=').next().unwrap_or_default();
                if !WHERE_AND_HOW_OFTEN.contains(&key) {
                    settings.push(format!("--set {setting}"));
                }
            }
            // Seeds are in the runs.
            "--seed" => _ = joined.is_none().then(|| words.next()),
            // The program, the command and the file: the file's content is compared, wherever it lies.
            _ if !option.starts_with("--") => {}
            _ => settings.push(match joined.or_else(|| value_of(option, &mut words)) {
                Some(value) => format!("{option} {value}"),
                None => option.to_owned(),
            }),
        }
    }
    settings
}

fn value_of<'a>(option: &str, words: &mut impl Iterator<Item = &'a str>) -> Option<&'a str> {
    ["--controller", "--jobs", "--stack"].contains(&option).then(|| words.next()).flatten()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::results::{Input, Provenance};

    fn results(path: &str, on: &[&str]) -> Results {
        let run = |on: &&str| Run { on: (*on).to_owned(), ..Run::default() };
        Results {
            path: PathBuf::from(path),
            name: "x".to_owned(),
            complete: true,
            provenance: Provenance::default(),
            runs: on.iter().map(run).collect(),
        }
    }

    #[test]
    fn the_one_in_real_time_is_held_against_the_other_whatever_their_order() {
        let (simulated, real) = (results("v", &["virtual"]), results("t", &["tun", "tun"]));
        for (first, second, swapped) in [(&simulated, &real, false), (&real, &simulated, true)] {
            let sides = Sides::of(first, second).unwrap();
            assert_eq!((sides.reference.results, sides.real.results), (&simulated, &real));
            assert_eq!((sides.is_virtual, sides.swapped, sides.notes().len()), (true, swapped, usize::from(swapped)));
        }
    }

    #[test]
    fn results_of_both_are_held_against_themselves() {
        let both = results("b", &["virtual", "tun", "tun"]);
        let sides = Sides::of(&both, &both).unwrap();
        assert_eq!((sides.reference.runs.len(), sides.real.runs.len(), sides.is_virtual), (1, 2, true));
    }

    #[test]
    fn real_time_against_real_time_is_a_against_b() {
        let (a, b) = (results("a", &["tun"]), results("b", &["tun"]));
        let sides = Sides::of(&a, &b).unwrap();
        assert!(!sides.is_virtual && sides.reference.results == &a);
        assert_eq!(sides.notes(), ["both ran in real time: a is A and b is B, and the noise is that of the runs of B"]);
    }

    #[test]
    fn virtual_time_alone_has_no_noise_to_be_within() {
        let (a, b) = (results("a", &["virtual"]), results("b", &["virtual"]));
        let error = Sides::of(&a, &b).unwrap_err().to_string();
        assert!(error.contains("a and b both ran in virtual time") && error.contains("--on tun"), "{error}");
    }

    #[test]
    fn what_makes_them_two_experiments_is_told() {
        let (a, mut b) = (results("a", &["virtual"]), results("b", &["tun"]));
        b.provenance.experiment_sha256 = "1".to_owned();
        b.provenance.inputs = vec![Input { path: "p".to_owned(), sha256: "2".to_owned() }];
        b.provenance.command = "burstlab run x.toml --on tun --set network.rate=1Gbit/s --set run.repeat=5".to_owned();
        b.complete = false;
        b.runs[0].seed = 9;
        let notes = Sides::of(&a, &b).unwrap().notes();
        assert_eq!(
            notes,
            [
                "the file of experiment \"x\" changed between a and b",
                "a and b were made from different recordings",
                "the options differ: a has none, b has --set network.rate=1Gbit/s",
                "the seeds differ, so that chance does too: 0 and 9",
                "b was interrupted: not all of its runs are there",
            ]
        );
        b.name = "y".to_owned();
        let notes = Sides::of(&a, &b).unwrap().notes();
        assert_eq!(notes[0], "these are two experiments: \"x\" in a and \"y\" in b");
    }

    #[test]
    fn where_and_how_often_an_experiment_ran_is_no_difference() {
        let same = [
            "burstlab run a.toml --quick --seed 7 --controller reno,dctcp",
            "./burstlab run dir/a.toml --on tun --quick --seed=7 --set run.repeat=5 --controller reno,dctcp --set=run.on=tun",
            "burstlab run a.toml --on=tun --set 'run.repeat=[1,2]' --quick --seed 7 --controller=reno,dctcp",
        ];
        let expected = ["--quick", "--controller reno,dctcp"];
        same.iter().for_each(|command| assert_eq!(settings(command), expected, "{command}"));
    }
}
