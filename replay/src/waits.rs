//! What each transfer waits for, from when transfers were seen to start and end.
//!
//! A worker sends because of what it has received and sent before. So a transfer that leaves worker w waits for
//!
//! - what w sent before it on the same connection: one byte stream has one order;
//! - from each neighbour of w, the last transfer that had ended by then. Those that ended before w's last start on
//!   the same connection are left out: that transfer waited for them already;
//! - if it is w's first in its iteration, what w sent last on each of its other connections too: an iteration begins
//!   when the one before is over at this worker.
//!
//! The computing time is what then remains until the recorded start. A transfer that it waited for counts as delivered
//! once the network could have done so (its start and [`busy`](crate::Transfer::busy) time), not when its last byte was
//! recorded: where the application held bytes back in between, that delay is computing too, and must not vanish
//! in the replay. On an idle network of the recorded rate, transfers thus start when they were recorded to.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::job::{Direction, Job, ready_at};

/// Fills in `after` and `compute` of all transfers, which must be in order of their start.
pub(crate) fn infer(job: &mut Job) {
    let mut under_way = BinaryHeap::new();
    let mut sent: BTreeMap<(usize, usize, Direction), usize> = BTreeMap::new();
    let mut received: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut current: BTreeMap<usize, usize> = BTreeMap::new();
    for i in 0..job.transfers.len() {
        let transfer = &job.transfers[i];
        while let Some(&Reverse((end, finished))) = under_way.peek() {
            if end > transfer.start {
                break;
            }
            under_way.pop();
            let (from, to) = job.ends(&job.transfers[finished]);
            received.insert((to, from), finished);
        }
        let worker = job.ends(transfer).0;
        let stream = (worker, transfer.connection, transfer.direction);
        let opens_iteration = current.insert(worker, transfer.iteration) != Some(transfer.iteration);
        let own = sent.get(&stream).copied();
        let since = own.filter(|_| !opens_iteration).map(|p| job.transfers[p].start);
        let is_news = |d: &usize| since.is_none_or(|since| job.transfers[*d].end > since);
        let mut after: Vec<usize> = received.range((worker, 0)..=(worker, usize::MAX)).map(|(_, &d)| d).collect();
        after.retain(is_news);
        after.extend(own);
        if opens_iteration {
            let all = (worker, 0, Direction::Forward)..=(worker, usize::MAX, Direction::Backward);
            after.extend(sent.range(all).map(|(_, &d)| d));
        }
        after.sort_unstable();
        after.dedup();
        sent.insert(stream, i);
        under_way.push(Reverse((transfer.end, i)));
        let compute = transfer.start - ready_at(&job.transfers, &after);
        let transfer = &mut job.transfers[i];
        (transfer.after, transfer.compute) = (after, compute);
    }
}
