//! A provider that takes its time, and may or may not find a message again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::random::Random;

/// How a request to the provider ends, as its caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Accepted,
    Refused,
    /// The connection was cut: the provider may have taken the message or not.
    Cut,
}

#[derive(Default)]
pub(super) struct Provider {
    /// It finds a message again, and proves that it never had one.
    pub can_find: bool,
    pub requests: BTreeMap<u64, Request>,
    pub next: u64,
    /// For each id, the senders that it was delivered through.
    pub delivered: BTreeMap<String, Vec<String>>,
}

pub(super) struct Request {
    id: String,
    sender: String,
    process: usize,
    reply: Option<Reply>,
}

/// What looking for a message brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Yes,
    Absent,
    CannotTell,
}

impl Provider {
    /// Hands a message over, and waits for the reply.
    pub async fn send(
        this: &Rc<RefCell<Provider>>,
        process: usize,
        id: &str,
        sender: &str,
    ) -> Reply {
        let number = {
            let mut provider = this.borrow_mut();
            provider.next += 1;
            let (number, request) = (
                provider.next,
                Request {
                    id: id.to_owned(),
                    sender: sender.to_owned(),
                    process,
                    reply: None,
                },
            );
            provider.requests.insert(number, request);
            number
        };
        poll_fn(|_| match this.borrow().requests[&number].reply {
            Some(reply) => Poll::Ready(reply),
            None => Poll::Pending,
        })
        .await
    }

    /// Looks for a message. One that is under way is not there yet.
    pub fn find(&self, id: &str) -> Found {
        match (self.can_find, self.delivered.contains_key(id)) {
            (false, _) => Found::CannotTell,
            (true, true) => Found::Yes,
            (true, false) => Found::Absent,
        }
    }

    /// No id was delivered twice.
    pub fn check(&self) {
        for (id, senders) in &self.delivered {
            assert_eq!(senders.len(), 1, "{id} was delivered through {senders:?}");
        }
    }

    /// Ends one of the requests that are under way, if there is one.
    pub fn work(&mut self, random: &mut Random) {
        let open = self.requests.iter().filter(|(_, one)| one.reply.is_none());
        let open: Vec<u64> = open.map(|(number, _)| *number).collect();
        if open.is_empty() {
            return;
        }
        let number = open[random.index(open.len())];
        let (reply, takes) = match random.below(8) {
            0..4 => (Reply::Accepted, true),
            4..6 => (Reply::Refused, false),
            6 => (Reply::Cut, true),
            _ => (Reply::Cut, false),
        };
        self.end(number, reply, takes);
    }

    /// A process died: what it had under way has been taken, or never will be.
    pub fn cut_off(&mut self, process: usize, random: &mut Random) {
        let open = self
            .requests
            .iter()
            .filter(|(_, one)| one.reply.is_none() && one.process == process);
        let open: Vec<u64> = open.map(|(number, _)| *number).collect();
        for number in open {
            self.end(number, Reply::Cut, random.one_in(2));
        }
    }

    fn end(&mut self, number: u64, reply: Reply, takes: bool) {
        let Some(request) = self.requests.get_mut(&number) else {
            return;
        };
        request.reply = Some(reply);
        if takes {
            let (id, sender) = (request.id.clone(), request.sender.clone());
            self.delivered.entry(id).or_default().push(sender);
        }
    }
}
