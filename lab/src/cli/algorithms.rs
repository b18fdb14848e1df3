use burstlab_algorithms::{Entry, Parameter, Registry};
use clap::Args;
use serde::Serialize;

use super::{Failure, Json, output};

/// `burstlab algorithms`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    json: Json,
}

#[derive(Serialize)]
struct Document {
    schema: u32,
    algorithms: Vec<Algorithm>,
}

#[derive(Serialize)]
struct Algorithm {
    name: &'static str,
    aliases: &'static [&'static str],
    summary: &'static str,
    parameters: Vec<Setting>,
    needs: Vec<&'static str>,
    source: &'static str,
}

#[derive(Serialize)]
struct Setting {
    name: &'static str,
    about: &'static str,
    takes: String,
    default: String,
}

pub(super) fn run(arguments: &Arguments, registry: &Registry) -> Result<(), Failure> {
    let algorithms: Vec<Algorithm> = registry.entries().iter().map(Algorithm::of).collect();
    if arguments.json.json {
        return output::json(&Document { schema: 1, algorithms });
    }
    output::line(&algorithms.iter().map(Algorithm::describe).collect::<Vec<_>>().join("\n"))
}

impl Algorithm {
    fn of(entry: &Entry) -> Algorithm {
        Algorithm {
            name: entry.name,
            aliases: entry.aliases,
            summary: entry.summary,
            parameters: entry.parameters.iter().map(Setting::of).collect(),
            needs: entry.needs.words(),
            source: entry.source,
        }
    }

    fn describe(&self) -> String {
        let mut text = format!("{}: {}\n", self.name, self.summary);
        if !self.aliases.is_empty() {
            text += &format!("    also     {}\n", self.aliases.join(", "));
        }
        for Setting { name, about, takes, default } in &self.parameters {
            text += &format!("    {name}={default}    {about}; {takes}\n");
        }
        if !self.needs.is_empty() {
            text += &format!("    needs    {}\n", self.needs.join(", "));
        }
        text + &format!("    source   {}\n", self.source)
    }
}

impl Setting {
    fn of(parameter: &Parameter) -> Setting {
        Setting {
            name: parameter.name,
            about: parameter.about,
            takes: parameter.kind.to_string(),
            default: parameter.kind.default().to_string(),
        }
    }
}
