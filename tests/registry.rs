//! What a registry promises, one by one. (Equality with a hash set for any script: `fanout.rs`, whose operations reach
//! every call of the registry.)

use oyez::{
    ConnectError, NoSuchPartition, NoSuchSession, PartitionId, Query, Registry, RegistryOptions, SessionId,
    SubscribeError, Subscribed, Topic, Unsubscribed, Verdict,
};

fn registry(partitions: u16) -> Registry {
    Registry::new(RegistryOptions::default().partitions(partitions))
}

#[test]
fn an_audience_is_the_union_of_topics_once_each_by_partition() {
    for partitions in [1, 2, 3, 7, 256, 65_535] {
        let mut registry = registry(partitions);
        let places = [partitions - 1, 0, partitions / 2, 0, partitions - 1];
        let sessions = places.map(|partition| registry.connect(PartitionId(partition)).unwrap());
        for (session, topics) in sessions.iter().zip([[1, 2], [2, 3], [1, 3], [4, 5], [1, 2]]) {
            for topic in topics {
                assert_eq!(registry.subscribe(*session, Topic(topic)), Ok(Subscribed::New));
            }
        }
        let audience = registry.audience(&Query::any_of([Topic(1), Topic(2), Topic(9), Topic(1)]));
        assert_eq!(audience.count(), 4);
        assert!(!audience.contains(sessions[3]));
        let mut expected = [sessions[0], sessions[1], sessions[2], sessions[4]];
        expected.sort();
        assert_eq!(audience.sessions(), expected);
        assert!(audience.partitions().map(|(partition, _)| partition).is_sorted_by(|a, b| a < b));
        for session in expected {
            assert_eq!(SessionId::from_bits(session.to_bits()), session);
        }
        assert_eq!(registry.partition_of(sessions[0]), Ok(PartitionId(partitions - 1)));
        assert_eq!(registry.validate(), Ok(10));
    }
}

#[test]
fn a_handle_of_a_session_that_ended_is_unknown_for_ever() {
    let mut registry = registry(2);
    let query = Query::topic(Topic(1));
    let old = registry.connect(PartitionId(1)).unwrap();
    registry.subscribe(old, Topic(1)).unwrap();
    assert_eq!(registry.disconnect(old), Ok(1));
    let new = registry.connect(PartitionId(1)).unwrap();
    registry.subscribe(new, Topic(1)).unwrap();
    for unknown in [old, SessionId::from_bits(u64::MAX), SessionId::from_bits(12_345)] {
        assert_eq!(registry.disconnect(unknown), Err(NoSuchSession));
        assert_eq!(registry.subscribe(unknown, Topic(1)), Err(SubscribeError::NoSuchSession));
        assert_eq!(registry.unsubscribe(unknown, Topic(1)), Err(NoSuchSession));
        assert_eq!(registry.explain(unknown, &query), Verdict::NoSuchSession);
        assert!(!registry.is_connected(unknown));
    }
    assert_eq!(registry.audience(&query).sessions(), [new]);
}

#[test]
fn a_topic_goes_with_its_last_subscriber() {
    let mut registry = registry(1);
    let ada = registry.connect(PartitionId(0)).unwrap();
    let bob = registry.connect(PartitionId(0)).unwrap();
    for session in [ada, bob] {
        registry.subscribe(session, Topic(1)).unwrap();
    }
    assert_eq!(registry.subscribe(ada, Topic(1)), Ok(Subscribed::Already));
    assert_eq!(registry.topic_len(Topic(1)), 2);
    assert_eq!(registry.unsubscribe(ada, Topic(1)), Ok(Unsubscribed::Left));
    assert_eq!(registry.unsubscribe(ada, Topic(1)), Ok(Unsubscribed::WasNot));
    assert_eq!(registry.stats().topics, 1);
    assert_eq!(registry.drop_partition(PartitionId(0)), Ok(2));
    assert_eq!((registry.stats().topics, registry.stats().sessions), (0, 0));
    assert_eq!(registry.validate(), Ok(0));
}

#[test]
fn limits_are_refused_with_an_error_and_change_nothing() {
    let options = RegistryOptions::default().partitions(2).sessions_per_partition_max(1).topics_per_session_max(2);
    let mut registry = Registry::new(options);
    let ada = registry.connect(PartitionId(0)).unwrap();
    assert_eq!(registry.connect(PartitionId(0)), Err(ConnectError::PartitionFull { max: 1 }));
    assert_eq!(registry.connect(PartitionId(2)), Err(ConnectError::NoSuchPartition(PartitionId(2))));
    assert_eq!(registry.drop_partition(PartitionId(2)), Err(NoSuchPartition(PartitionId(2))));
    for topic in [Topic(1), Topic(2)] {
        registry.subscribe(ada, topic).unwrap();
    }
    let error = registry.subscribe(ada, Topic(3)).unwrap_err();
    assert_eq!(error, SubscribeError::TooManyTopics { max: 2 });
    assert_eq!(error.to_string(), "the session is subscribed to 2 topics, its limit");
    assert_eq!(registry.subscribe(ada, Topic(2)), Ok(Subscribed::Already));
    assert_eq!(registry.topics_of(ada), Ok(&[Topic(1), Topic(2)][..]));
    assert_eq!(registry.validate(), Ok(2));
}

#[test]
#[should_panic(expected = "at least one partition")]
fn no_partition_is_a_bug_of_the_caller() {
    registry(0);
}
