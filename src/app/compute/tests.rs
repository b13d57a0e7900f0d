use std::{
    sync::{Condvar, Mutex, PoisonError},
    thread::current,
};

use tokio::task::JoinHandle;

use super::*;

/// Barrier for computations, until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        let (is_open, changed) = &*self.0;
        *is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    fn pass(&self) {
        let (is_open, changed) = &*self.0;
        let guard = is_open.lock().unwrap();
        let _guard = changed.wait_while(guard, |is_open| !*is_open).unwrap();
    }
}

fn is_worker() -> bool {
    current().name() == Some("compute")
}

/// Loops until interrupted.
fn compute_for_ever() {
    loop {
        interrupt::check();
    }
}

#[tokio::test]
async fn small_operations_stay_and_large_ones_move_with_all_they_hold() {
    let compute = Compute::new(1);
    let work = async || {
        let held = String::from("held");
        let mut is_apart = Vec::new();
        for bytes in [SMALL / 2, SMALL / 2, 1, 1] {
            charge(bytes).await;
            is_apart.push(is_worker());
        }
        (held, is_apart)
    };
    let (held, is_apart) = compute.run(1, None, 0, work()).await.unwrap();
    assert_eq!(held, "held");
    assert_eq!(is_apart, [false, false, true, true]);
    let begun = async { is_worker() };
    assert_eq!(compute.run(1, None, SMALL + 1, begun).await, Ok(true));
}

#[tokio::test]
async fn parts_run_between_each_other_on_the_lane_of_the_operation() {
    let compute = Compute::new(2);
    let work = async {
        charge(SMALL + 1).await;
        let (sender, receiver) = oneshot::channel();
        spawn(Box::pin(async move {
            tokio::task::yield_now().await;
            let _ = sender.send(is_worker());
        }));
        receiver.await
    };
    assert_eq!(compute.run(1, None, 0, work).await, Ok(Ok(true)));
}

#[tokio::test]
async fn computing_stops_at_the_deadline() {
    let compute = Compute::new(1);
    // Many times, since the reason has to be there whichever thread is first.
    for _ in 0..500 {
        let work = async { compute_for_ever() };
        let stopped = compute.run(1, Some(Instant::now()), SMALL + 1, work).await;
        assert_eq!(stopped, Err(Stopped::Interrupted));
    }
    // A spawned future that computes stops the whole operation.
    let work = async {
        spawn(Box::pin(async { compute_for_ever() }));
        std::future::pending::<()>().await;
    };
    let stopped = compute.run(1, Some(Instant::now()), SMALL + 1, work).await;
    assert_eq!(stopped, Err(Stopped::Interrupted));
}

#[tokio::test]
async fn computing_stops_when_nobody_waits() {
    struct OnDrop(Option<oneshot::Sender<()>>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            let _ = self.0.take().map(|ended| ended.send(()));
        }
    }
    let compute = Compute::new(1);
    for computes in [true, false] {
        let (begun, has_begun) = oneshot::channel();
        let (ended, has_ended) = oneshot::channel();
        let held = OnDrop(Some(ended));
        let work = async move {
            let _held = held;
            let _ = begun.send(());
            match computes {
                true => compute_for_ever(),
                false => std::future::pending().await,
            }
        };
        {
            let running = compute.run(1, None, SMALL + 1, work);
            tokio::pin!(running);
            tokio::select! {
                _ = &mut running => unreachable!("it has no end"),
                begun = has_begun => begun.unwrap(),
            }
        }
        has_ended.await.unwrap();
    }
}

#[tokio::test]
async fn a_panic_ends_one_operation() {
    let compute = Compute::new(1);
    let failing = async {
        charge(SMALL + 1).await;
        std::panic::resume_unwind(Box::new("a bug"));
    };
    assert_eq!(compute.run(1, None, 0, failing).await, Err(Stopped::Failed));
    assert_eq!(compute.run(1, None, SMALL + 1, async { 1 }).await, Ok(1));
}

/// Computes for a user until the gate opens; resolves once the computation has started.
async fn occupied(compute: &Compute, user_id: i64, gate: &Gate) -> JoinHandle<Result<(), Stopped>> {
    let (begun, has_begun) = oneshot::channel();
    let (compute, gate) = (compute.clone(), gate.clone());
    let running = tokio::spawn(async move {
        let work = async move {
            let _ = begun.send(());
            gate.pass();
        };
        compute.run(user_id, None, SMALL + 1, work).await
    });
    has_begun.await.unwrap();
    running
}

#[tokio::test]
async fn users_take_turns() {
    let compute = Compute::new(1);
    let (first, second) = (Gate::default(), Gate::default());
    let busy = [
        occupied(&compute, 8, &first).await,
        occupied(&compute, 9, &second).await,
    ];
    let order = Arc::new(Mutex::new(Vec::new()));
    let waiting = [1, 1, 1, 1, 2, 3].map(|user_id| {
        let order = order.clone();
        let work = async move { order.lock().unwrap().push(user_id) };
        compute.run(user_id, None, SMALL + 1, work)
    });
    let mut waiting = Box::pin(futures_util::future::join_all(waiting));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    // A single worker serves all users in turn.
    first.open();
    waiting.await;
    assert_eq!(*order.lock().unwrap(), [1, 2, 3, 1, 1, 1]);
    second.open();
    for busy in busy {
        busy.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn one_user_leaves_workers_to_others() {
    let compute = Compute::new(1);
    let gate = Gate::default();
    let busy = occupied(&compute, 1, &gate).await;
    let mut waiting = Box::pin(compute.run(1, None, SMALL + 1, async {}));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    for user_id in 2..9 {
        let done = compute.run(user_id, None, SMALL + 1, async move { user_id });
        assert_eq!(done.await, Ok(user_id));
    }
    assert!(futures_util::poll!(&mut waiting).is_pending());
    gate.open();
    busy.await.unwrap().unwrap();
    waiting.await.unwrap();
}

#[tokio::test]
async fn workers_end_with_the_program() {
    let compute = Compute::new(1);
    compute.run(1, None, SMALL + 1, async {}).await.unwrap();
    let queue = Arc::downgrade(&compute.queue);
    let ended = queue.clone();
    let worker = std::thread::spawn(move || {
        while ended.strong_count() > 0 {
            std::thread::yield_now();
        }
    });
    drop(compute);
    worker.join().unwrap();
    assert!(queue.upgrade().is_none());
}
