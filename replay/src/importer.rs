//! From segments to activity: tracks connections, counts first-time bytes, and feeds the meters.

use std::collections::HashMap;
use std::net::IpAddr;

use burstlab_units::Span;

use crate::activity::{Activity, Before, Direction};
use crate::capture::segment::{Endpoints, Segment};
use crate::container::Writer;
use crate::jobs::Link;
use crate::meters::Meters;
use crate::sequence::Sequence;
use crate::trace::{Header, Trace};
use crate::{Error, ImportOptions};

/// One direction of a connection.
#[derive(Debug, Default)]
struct Stream {
    sequence: Sequence,
    /// When an acknowledgement last covered everything that was sent.
    drained_at: Option<u64>,
    /// Whether a retransmission was seen since the last first-time byte.
    repairing: bool,
}

/// Builds a trace out of what passes.
pub(crate) struct Importer<'w> {
    nodes: Vec<IpAddr>,
    node_of: HashMap<IpAddr, usize>,
    links: Vec<Link>,
    streams: Vec<Stream>,
    /// The direction that a pair of endpoints stands for now. Only looked up, never walked: its order is random.
    direction_of: HashMap<Endpoints, Direction>,
    lately: Option<(Endpoints, Direction)>,
    activity: Activity,
    meters: Meters,
    writer: Option<&'w mut Writer>,
    first: Option<u64>,
    application_bytes: u64,
    unseen_bytes: u64,
}

impl<'w> Importer<'w> {
    pub fn new(options: &ImportOptions, writer: Option<&'w mut Writer>) -> Importer<'w> {
        Importer {
            nodes: Vec::new(),
            node_of: HashMap::new(),
            links: Vec::new(),
            streams: Vec::new(),
            direction_of: HashMap::new(),
            lately: None,
            activity: Activity::new(options.gap),
            meters: Meters::new(options),
            writer,
            first: None,
            application_bytes: 0,
            unseen_bytes: 0,
        }
    }

    pub fn has_payload(&self) -> bool {
        self.application_bytes > 0
    }

    pub fn application_bytes(&self) -> u64 {
        self.application_bytes
    }

    /// A segment passes at `time` (Unix, ns); times never decrease.
    pub fn segment(&mut self, time: u64, segment: &Segment) -> Result<(), Error> {
        let time = time - *self.first.get_or_insert(time);
        let direction = self.direction(segment)?;
        if let Some(acknowledgement) = segment.acknowledgement {
            let acknowledged = &mut self.streams[direction ^ 1];
            let drained = acknowledged.sequence.is_drained();
            let unseen = acknowledged.sequence.acknowledge(acknowledgement);
            if !drained && acknowledged.sequence.is_drained() {
                acknowledged.drained_at = Some(time);
            }
            if unseen > 0 {
                self.unseen_bytes += unseen;
                self.first_time(direction ^ 1, time, unseen);
            }
        }
        if segment.payload == 0 {
            return Ok(());
        }
        self.packet(direction, time, u64::from(segment.payload))?;
        let stream = &mut self.streams[direction];
        let drained_since = stream.drained_at.filter(|_| stream.sequence.is_drained());
        let repairing = stream.sequence.awaits_repair() || stream.repairing;
        // A SYN that carries data (RFC 7413) takes the first number for itself.
        let first = segment.sequence.wrapping_add(u32::from(segment.syn));
        let fresh = stream.sequence.first_time(first, segment.payload);
        stream.repairing = fresh == 0 && stream.sequence.has_acknowledgements();
        if fresh > 0 {
            self.application_bytes += fresh;
            self.activity.send(direction, time, fresh, Before { drained_since, repairing });
        }
        Ok(())
    }

    fn first_time(&mut self, direction: Direction, time: u64, bytes: u64) {
        self.application_bytes += bytes;
        self.activity.send(direction, time, bytes, Before { drained_since: None, repairing: true });
    }

    /// A packet with `bytes` of payload passes at `time` (ns since the first one).
    pub fn packet(&mut self, direction: Direction, time: u64, bytes: u64) -> Result<(), Error> {
        if let Some(writer) = &mut self.writer {
            writer.packet(direction, time, bytes)?;
        }
        let link = &self.links[direction / 2];
        let node = if direction.is_multiple_of(2) { link.from } else { link.to };
        self.meters.arrive(node, direction, time, bytes);
        Ok(())
    }

    /// The direction that a segment belongs to; a SYN may open a connection.
    fn direction(&mut self, segment: &Segment) -> Result<Direction, Error> {
        let ends = segment.endpoints;
        let known = match self.lately {
            Some((last, direction)) if last == ends => Some(direction),
            _ => self.direction_of.get(&ends).copied(),
        };
        let direction = match known {
            Some(d) if !(segment.syn && self.streams[d].sequence.is_new_connection(segment.sequence)) => d,
            // The first segment seen comes from the opener, unless it answers a SYN.
            _ => self.connect(ends, segment.syn && segment.acknowledgement.is_some())?,
        };
        if segment.syn && self.streams[direction].sequence.is_new() {
            self.streams[direction].sequence.open(segment.sequence);
        }
        self.lately = Some((ends, direction));
        Ok(direction)
    }

    fn connect(&mut self, ends: Endpoints, answers: bool) -> Result<Direction, Error> {
        let back = Endpoints { source: ends.destination, destination: ends.source };
        let (opener, acceptor) = if answers { (back, ends) } else { (ends, back) };
        let connection = self.links.len();
        self.link(opener.source, acceptor.source)?;
        self.direction_of.insert(opener, connection * 2);
        self.direction_of.insert(acceptor, connection * 2 + 1);
        Ok(connection * 2 + usize::from(answers))
    }

    /// A connection more.
    pub fn link(&mut self, from: (IpAddr, u16), to: (IpAddr, u16)) -> Result<(), Error> {
        if let Some(writer) = &mut self.writer {
            writer.connection(from, to)?;
        }
        let link = Link { from: self.node(from.0), to: self.node(to.0), from_port: from.1, to_port: to.1 };
        self.links.push(link);
        self.streams.extend([Stream::default(), Stream::default()]);
        Ok(())
    }

    /// How many connections there are.
    pub fn links(&self) -> usize {
        self.links.len()
    }

    fn node(&mut self, address: IpAddr) -> usize {
        *self.node_of.entry(address).or_insert_with(|| {
            self.nodes.push(address);
            self.meters.add_node();
            self.nodes.len() - 1
        })
    }

    /// The activity, to be filled with what a trace file kept of it.
    pub fn activity(&mut self) -> &mut Activity {
        &mut self.activity
    }

    /// Makes a trace of all that passed.
    pub fn finish(self, mut header: Header, options: &ImportOptions) -> Result<Trace, Error> {
        if self.unseen_bytes > 0 {
            header.warnings.push(format!(
                "{} bytes were acknowledged but not captured; they count when their acknowledgement passes",
                self.unseen_bytes
            ));
        }
        let (stretches, pauses) = self.activity.finish();
        let (nodes, links, meters) = (self.nodes, self.links, self.meters);
        let mut trace = Trace {
            header,
            nodes,
            links,
            stretches,
            pauses,
            meters,
            gap: Span::ZERO,
            jobs: Vec::new(),
            bursts: Vec::new(),
        };
        trace.find_jobs(options);
        Ok(trace)
    }
}
