//! `topology = "custom"`: groups of hosts and the switches between them, cable by cable.

use std::collections::BTreeMap;

use burstlab_network::LinkSpec;
use burstlab_units::Bytes;

use super::ExperimentError;
use super::network::{MOST_HOSTS, MOST_SWITCHES, queue};
use super::reader::Section;

/// A network drawn by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Custom {
    /// Names of the switches, in the order in which the file has them.
    pub switches: Vec<String>,
    /// Hosts, numbered from 0 in this order.
    pub groups: Vec<HostGroup>,
    /// Cables between switches: places in `switches`.
    pub links: Vec<([usize; 2], LinkSpec)>,
}

/// Hosts that are alike.
#[derive(Debug, Clone, PartialEq)]
pub struct HostGroup {
    /// What flows call them.
    pub name: String,
    /// How many, default 1.
    pub count: u32,
    /// Their switch: a place in [`Custom::switches`].
    pub at: usize,
    /// The link of each.
    pub link: LinkSpec,
}

const GROUP_KEYS: &[&str] = &["name", "count", "at", "rate", "delay", "queue"];
const LINK_KEYS: &[&str] = &["between", "rate", "delay", "queue"];

impl Custom {
    /// Hosts of all groups.
    pub fn host_count(&self) -> u64 {
        self.groups.iter().map(|group| u64::from(group.count)).sum()
    }

    /// The first host of a group, and how many it has.
    pub fn hosts_of(&self, group: usize) -> (usize, usize) {
        let before = self.groups.iter().take(group).map(|group| group.count as usize).sum();
        (before, self.groups.get(group).map_or(0, |group| group.count as usize))
    }

    /// What a table says differently from every other `link`.
    fn link(section: &Section<'_>, link: LinkSpec, mtu: Bytes) -> Result<LinkSpec, ExperimentError> {
        Ok(LinkSpec {
            rate: section.get_or("rate", link.rate)?,
            delay: section.get_or("delay", link.delay)?,
            queue: queue(section, "queue", mtu)?.unwrap_or(link.queue),
            ..link
        })
    }

    pub(super) fn read(section: &Section<'_>, link: LinkSpec, mtu: Bytes) -> Result<Custom, ExperimentError> {
        let mut custom = Custom { switches: Vec::new(), groups: Vec::new(), links: Vec::new() };
        for group in section.tables("group", GROUP_KEYS)? {
            custom.add_group(&group, link, mtu)?;
        }
        if custom.groups.is_empty() {
            return Err(section.missing("[[network.group]]", "name = \"senders\", count = 8, at = \"switch\""));
        }
        for cable in section.tables("link", LINK_KEYS)? {
            custom.add_link(&cable, link, mtu)?;
        }
        match custom.unreached() {
            None => Ok(custom),
            Some(switch) => {
                let message = format!("no [[network.link]] joins \"{switch}\" with \"{}\"", custom.switches[0]);
                Err(section.error("topology", message))
            }
        }
    }

    fn add_group(&mut self, section: &Section<'_>, link: LinkSpec, mtu: Bytes) -> Result<(), ExperimentError> {
        let name: String = section.require("name", "name = \"senders\"")?;
        if self.groups.iter().any(|group| group.name == name) {
            return Err(section.error("name", format!("there are two groups called \"{name}\"")));
        }
        let count = section.count_within("count", 1..=MOST_HOSTS, 1)?;
        if self.host_count() + u64::from(count) > u64::from(MOST_HOSTS) {
            return Err(section.error("count", format!("that makes more than {MOST_HOSTS} hosts")));
        }
        let at: String = section.require("at", "at = \"switch\"")?;
        if at == name {
            return Err(section.error("at", format!("\"{at}\" is the group itself; expected the name of a switch")));
        }
        let at = self.switch(at);
        self.groups.push(HostGroup { name, count, at, link: Custom::link(section, link, mtu)? });
        Ok(())
    }

    fn add_link(&mut self, section: &Section<'_>, link: LinkSpec, mtu: Bytes) -> Result<(), ExperimentError> {
        let ends: Vec<String> = section.require("between", "between = [\"left\", \"right\"]")?;
        let [one, other] = ends.as_slice() else {
            return Err(section.error("between", format!("{} ends; expected two switches", ends.len())));
        };
        if one == other {
            return Err(section.error("between", format!("both ends are \"{one}\"")));
        }
        if let Some(group) = self.groups.iter().find(|group| group.name == *one || group.name == *other) {
            let message =
                format!("\"{}\" is a group of hosts, which [[network.group]] joins to its switch by at", group.name);
            return Err(section.error("between", message));
        }
        let ends = [self.switch(one.clone()), self.switch(other.clone())];
        if self.switches.len() > MOST_SWITCHES as usize {
            return Err(section.error("between", format!("that makes more than {MOST_SWITCHES} switches")));
        }
        self.links.push((ends, Custom::link(section, link, mtu)?));
        Ok(())
    }

    /// The switch called `name`, which is there from the first time that somebody names it.
    fn switch(&mut self, name: String) -> usize {
        self.switches.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.switches.push(name);
            self.switches.len() - 1
        })
    }

    /// A switch that no way leads to from the first one.
    fn unreached(&self) -> Option<&str> {
        let mut neighbours: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for ([one, other], _) in &self.links {
            neighbours.entry(*one).or_default().push(*other);
            neighbours.entry(*other).or_default().push(*one);
        }
        let (mut reached, mut todo) = (vec![false; self.switches.len()], vec![0]);
        while let Some(switch) = todo.pop() {
            if !std::mem::replace(&mut reached[switch], true) {
                todo.extend(neighbours.get(&switch).into_iter().flatten());
            }
        }
        reached.iter().position(|reached| !reached).map(|switch| self.switches[switch].as_str())
    }
}
