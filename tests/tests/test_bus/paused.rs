//! Where a test has paused tokio's clock.

mod memory {
    use crate::shop::{Scene, Shop, Wish, order, place};
    use crate::time::the_order;
    use bus_runtime::DeadReason;
    use bus_runtime::testing::{TestBus, TestOutcome};
    use std::time::Duration;

    /// Longer than the test is patient, which is by the machine's clock.
    #[tokio::test(start_paused = true)]
    async fn what_a_handler_sleeps_takes_no_time_and_counts_towards_its_timeout() {
        let bus = TestBus::start::<Shop>(Scene::default()).await;
        let bus = bus.expect("it starts");
        place(&bus, [order(1, Wish::Sleep(59)), order(2, Wish::Sleep(61))]).await;
        bus.run_until_idle().await;

        let in_time = the_order(&bus, 1);
        assert_eq!(
            (in_time.attempts, in_time.outcome),
            (1, TestOutcome::Handled)
        );
        let late = the_order(&bus, 2);
        assert_eq!(late.failures[0].again_after, Duration::from_hours(1));
        assert!(
            matches!(
                &late.outcome,
                TestOutcome::Dead {
                    reason: DeadReason::Timeout,
                    ..
                }
            ),
            "{late}"
        );
        bus.shutdown().await.expect("it runs until it is shut down");
    }
}
