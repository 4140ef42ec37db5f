-module(oyez_registry_tests).

-include_lib("eunit/include/eunit.hrl").

-behaviour(supervisor).
-export([init/1]).

-define(within(Expected, Expression), ?assertEqual(Expected, settle(Expected, fun() -> Expression end, 5000))).

%% What an expression comes to, when others have to do something first.
settle(Expected, Ask, Left) ->
    case Ask() of
        Expected -> Expected;
        Other when Left =< 0 -> Other;
        _ ->
            timer:sleep(5),
            settle(Expected, Ask, Left - 5)
    end.

registry() -> registry(#{}).

registry(Options) ->
    {ok, Registry} = oyez_registry:new(Options),
    Registry.

items(Registry) -> items(Registry, 2000).

items(Registry, Timeout) ->
    Tag = oyez_registry:tag(Registry),
    receive {oyez, Tag, Items} -> Items after Timeout -> none end.

%% Everything that comes until so many events have.
events(_Registry, 0) -> [];
events(Registry, Count) ->
    Items = items(Registry),
    Items ++ events(Registry, Count - length(Items)).

stat(Registry, Key) -> maps:get(Key, oyez_registry:stats(Registry)).

both_paths_test_() ->
    [{atom_to_list(Path), fun() -> publishes(registry(#{path => Path, partitions => 3})) end}
     || Path <- [normal, dirty]].

publishes(Registry) ->
    {ok, 0} = oyez_registry:subscribe(Registry, {room, 1}),
    {already, 0} = oyez_registry:subscribe(Registry, {room, 1}),
    ?assertEqual({ok, #{sequence => 1, count => 1, refused => 0}}, oyez_registry:publish(Registry, {room, 1}, <<"a">>)),
    ?assertEqual({ok, #{sequence => 2, count => 0, refused => 0}}, oyez_registry:publish(Registry, {room, 2}, <<"b">>)),
    ?assertEqual([{event, 1, <<"a">>}], items(Registry)),
    ?assertEqual(1, oyez_registry:count(Registry, {room, 1})),
    ?assertEqual(0, oyez_registry:count(Registry, {room, 2})),
    ?assertEqual([self()], oyez_registry:subscribers(Registry, {room, 1})),
    left = oyez_registry:unsubscribe(Registry, {room, 1}),
    was_not = oyez_registry:unsubscribe(Registry, {room, 1}),
    {ok, #{count := 0}} = oyez_registry:publish(Registry, {room, 1}, <<"c">>),
    ?assertEqual(0, stat(Registry, topics)),
    {ok, 3} = oyez_registry:subscribe(Registry, other),
    ok = oyez_registry:leave(Registry),
    was_not = oyez_registry:leave(Registry),
    {ok, #{count := 0}} = oyez_registry:publish(Registry, other, <<"d">>),
    ?assertEqual(none, items(Registry, 50)),
    ?assertEqual(0, stat(Registry, topics) + stat(Registry, subscriptions) + stat(Registry, subscribers)).

%% One order for all, whatever the sizes, from several publishers; nothing lost, nothing twice.
order_test_() ->
    {timeout, 60, fun() ->
        Registry = registry(#{events_per_subscriber_max => 10000}),
        [{ok, _} = oyez_registry:subscribe(Registry, Topic) || Topic <- [small, large]],
        Publishers =
            [spawn_monitor(fun() ->
                                   [{ok, _} = oyez_registry:publish(Registry, Topic, binary:copy(<<N:16>>, Size))
                                    || N <- lists:seq(1, 500)]
                           end) || {Topic, Size} <- [{small, 1}, {large, 5000}, {small, 40}]],
        Items = events(Registry, 1500),
        ?assertEqual(lists:seq(1, 1500), [Sequence || {event, Sequence, _} <- Items]),
        [receive {'DOWN', Monitor, process, _, Reason} -> ?assertEqual(normal, Reason) end
         || {_, Monitor} <- Publishers],
        ?assertEqual(none, items(Registry, 50))
    end}.

any_test_() ->
    {timeout, 60, fun() ->
        Registry = registry(),
        [{ok, 0} = oyez_registry:subscribe(Registry, Topic) || Topic <- [a, b, c]],
        ?assertMatch({ok, #{count := 1}}, oyez_registry:publish_any(Registry, [a, b, c, nobody], <<"x">>)),
        ?assertEqual([{event, 1, <<"x">>}], items(Registry)),
        ?assertMatch({ok, #{count := 0}}, oyez_registry:publish_any(Registry, [a, b], <<"x">>, #{except => [self()]})),
        ?assertMatch({ok, #{count := 0}}, oyez_registry:publish(Registry, a, <<"x">>, #{except => [self()]})),
        ?assertMatch({ok, #{count := 0}}, oyez_registry:publish_any(Registry, [], <<"x">>)),
        Many = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, 5001)],
        [{ok, _} = oyez_registry:subscribe(Registry, Topic, Pid) || Pid <- Many, Topic <- [a, b]],
        % on a dirty scheduler
        ?assertMatch({ok, #{count := 5002}}, oyez_registry:publish_any(Registry, [a, b], <<"y">>)),
        ?assertEqual([{event, 5, <<"y">>}], items(Registry)),
        ?assertEqual(lists:sort([self() | Many]), lists:sort(oyez_registry:subscribers(Registry, a))),
        ok = oyez_registry:close(Registry),
        [exit(Pid, kill) || Pid <- Many]
    end}.

%% A payload of more than 64 bytes is one binary for all who get it.
one_binary_test() ->
    Registry = registry(#{partitions => 1}),
    Self = self(),
    Pids = [spawn_link(fun() -> Self ! {self(), items(Registry)}, receive stop -> ok end end) || _ <- lists:seq(1, 3)],
    [{ok, 0} = oyez_registry:subscribe(Registry, a, Pid) || Pid <- Pids],
    Payload = binary:copy(<<"0123456789">>, 10),
    {ok, #{count := 3}} = oyez_registry:publish(Registry, a, Payload),
    [receive {Pid, Items} -> ?assertEqual([{event, 1, Payload}], Items) end || Pid <- Pids],
    Places = [begin
                  {binary, Binaries} = process_info(Pid, binary),
                  [Place || {Place, _Size, _References} <- Binaries]
              end || Pid <- Pids],
    ?assertMatch([[_]], lists:usort([lists:usort(Place) || Place <- Places])),
    [Pid ! stop || Pid <- Pids].

%% At most so many that are not acknowledged; what does not fit behind them gives way, and is told.
window_test() ->
    Registry = registry(#{events_per_subscriber_max => 3}),
    ok = oyez_registry:join(Registry, self(), #{window => 2}),
    already = oyez_registry:join(Registry),
    {ok, 0} = oyez_registry:subscribe(Registry, a),
    [{ok, #{count := 1}} = oyez_registry:publish(Registry, a, <<N>>) || N <- [1, 2]],
    ?assertEqual([{event, 1, <<1>>}, {event, 2, <<2>>}], events(Registry, 2)),
    [{ok, #{count := 1}} = oyez_registry:publish(Registry, a, <<N>>) || N <- lists:seq(3, 9)],
    ?assertEqual(none, items(Registry, 100)),
    ?assertEqual(2, stat(Registry, unacknowledged)),
    {error, {not_handed_over, 2}} = oyez_registry:acknowledge(Registry, 3),
    {ok, 2} = oyez_registry:acknowledge(Registry, 2),
    ?assertEqual([{gap, 4, 3, 6}, {event, 7, <<7>>}, {event, 8, <<8>>}], items(Registry)),
    {ok, 2} = oyez_registry:acknowledge(Registry, 8),
    ?assertEqual([{event, 9, <<9>>}], items(Registry)),
    #{accepted := 9, delivered := 5, dropped := 4, pending := 0} = oyez_registry:stats(Registry),
    {error, not_joined} = oyez_registry:acknowledge(Registry, 9, spawn(fun() -> ok end)).

%% An event that must not be missed ends who has no room for it, and says so.
overflow_test() ->
    Registry = registry(#{events_per_subscriber_max => 2, overload => #{7 => disconnect}}),
    ok = oyez_registry:join(Registry, self(), #{window => 1}),
    {ok, 0} = oyez_registry:subscribe(Registry, a),
    {ok, #{count := 1}} = oyez_registry:publish(Registry, a, <<1>>),
    ?assertEqual([{event, 1, <<1>>}], items(Registry)),
    [{ok, #{count := 1}} = oyez_registry:publish(Registry, a, <<N>>) || N <- [2, 3]],
    {ok, #{count := 0}} = oyez_registry:publish(Registry, a, <<4>>, #{class => 7}),
    ?assertEqual(overflowed, items(Registry)),
    ?within({0, 0, 0}, {stat(Registry, subscribers), stat(Registry, topics), oyez_registry:count(Registry, a)}),
    {ok, 4} = oyez_registry:subscribe(Registry, a),
    {ok, #{count := 1}} = oyez_registry:publish(Registry, a, <<5>>, #{class => 7}),
    ?assertEqual([{event, 5, <<5>>}], items(Registry)).

%% The registry holds exactly the living.
killed_test_() ->
    {timeout, 60, fun() ->
        Registry = registry(#{partitions => 4}),
        Pids = [spawn(fun Wait() -> receive _ -> Wait() end end) || _ <- lists:seq(1, 1000)],
        [{ok, _} = oyez_registry:subscribe(Registry, {topic, N}, Pid)
         || Pid <- Pids, N <- [erlang:phash2(Pid, 10), all]],
        {_, Publishing} = spawn_monitor(fun() ->
                                          [{ok, _} = oyez_registry:publish(Registry, {topic, all}, <<"x">>)
                                           || _ <- lists:seq(1, 300)]
                                  end),
        Dead = [Pid || Pid <- Pids, rand:uniform() < 0.6, exit(Pid, kill)],
        receive {'DOWN', Publishing, process, _, Reason} -> ?assertEqual(normal, Reason) end,
        Living = lists:sort(Pids -- Dead),
        ?within(length(Living), stat(Registry, subscribers)),
        ?assertEqual(Living, lists:sort(oyez_registry:subscribers(Registry, {topic, all}))),
        ?assertEqual(Living, lists:usort(lists:append([oyez_registry:subscribers(Registry, {topic, N})
                                                       || N <- lists:seq(0, 9)]))),
        [exit(Pid, kill) || Pid <- Living],
        ?within({0, 0, 0}, {stat(Registry, subscribers), stat(Registry, subscriptions), stat(Registry, topics)}),
        ?assertEqual(0, stat(Registry, down_panics)),
        #{accepted := Accepted, delivered := Delivered, dropped := Dropped, discarded := Discarded,
          abandoned := Abandoned, pending := 0} = oyez_registry:stats(Registry),
        ?assertEqual(Accepted, Delivered + Dropped + Discarded + Abandoned)
    end}.

dead_test() ->
    Registry = registry(),
    {Pid, Monitor} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Monitor, process, Pid, normal} -> ok end,
    ?assertEqual({error, noproc}, oyez_registry:subscribe(Registry, a, Pid)),
    ?assertEqual({error, noproc}, oyez_registry:join(Registry, Pid, #{})),
    ?assertEqual(0, stat(Registry, subscribers) + stat(Registry, topics)),
    Elsewhere = binary_to_term(<<131, 88, 100, 0, 3, "a@b", 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1>>),
    ?assertEqual({error, not_local}, oyez_registry:subscribe(Registry, a, Elsewhere)).

%% Whoever is the owner of whom.
closed_test() ->
    Registry = registry(#{partitions => 2}),
    {ok, 0} = oyez_registry:subscribe(Registry, a),
    {ok, _} = oyez_registry:publish(Registry, a, <<"last">>),
    ok = oyez_registry:close(Registry),
    ?assertEqual([{event, 1, <<"last">>}], items(Registry, 0)), % it was sent before
    {error, closed} = oyez_registry:close(Registry),
    ?assertEqual({error, closed}, oyez_registry:publish(Registry, a, <<"x">>)),
    ?assertEqual({error, closed}, oyez_registry:subscribe(Registry, a)),
    ?assertEqual({error, closed}, oyez_registry:stats(Registry)).

owner_test() ->
    Self = self(),
    Owner = spawn(fun() -> Self ! registry(), receive stop -> ok end end),
    Registry = receive Made -> Made end,
    {ok, 0} = oyez_registry:subscribe(Registry, a),
    exit(Owner, kill),
    ?within({error, closed}, oyez_registry:publish(Registry, a, <<"x">>)).

sender_test() ->
    {Owner, Monitor} =
        spawn_monitor(fun() -> registry(#{name => ?MODULE, partitions => 2}), receive stop -> ok end end),
    ?within(#{subscribers => 0}, catch maps:with([subscribers], oyez_registry:stats(?MODULE))),
    {links, [Keeper]} = process_info(Owner, links),
    {links, Links} = process_info(Keeper, links),
    exit(hd(Links -- [Owner]), kill),
    receive {'DOWN', Monitor, process, Owner, Reason} -> ?assertEqual({sender, killed}, Reason) end,
    ?assertError(badarg, oyez_registry:stats(?MODULE)). % nor is the name known

%% Who is killed cannot close anything: all the same, nothing is accepted that nobody would send.
killed_keeper_test() ->
    process_flag(trap_exit, true),
    {ok, Keeper} = oyez_registry:start_link(#{name => killed}),
    Registry = gen_server:call(Keeper, registry),
    {ok, 0} = oyez_registry:subscribe(Registry, a),
    exit(Keeper, kill),
    receive {'EXIT', Keeper, killed} -> ok end,
    process_flag(trap_exit, false),
    ?within({error, closed}, oyez_registry:publish(Registry, a, <<"x">>)),
    ?assertEqual({error, closed}, oyez_registry:publish(killed, a, <<"x">>)),
    {ok, _} = oyez_registry:start_link(#{name => killed}),
    ?assertEqual({ok, 0}, oyez_registry:subscribe(killed, a)),
    ok = oyez_registry:close(killed).

%% Whoever closes what is just ending is told so, whatever it ends of.
closed_while_it_ends_test() ->
    process_flag(trap_exit, true),
    {ok, Keeper} = oyez_registry:start_link(#{}),
    Registry = gen_server:call(Keeper, registry),
    ok = sys:suspend(Keeper),
    {Closer, Monitor} = spawn_monitor(fun() -> exit({closed, oyez_registry:close(Registry)}) end),
    ?within({message_queue_len, 1}, process_info(Keeper, message_queue_len)),
    exit(Keeper, kill),
    receive {'DOWN', Monitor, process, Closer, Reason} -> ?assertEqual({closed, {error, closed}}, Reason) end,
    receive {'EXIT', Keeper, killed} -> process_flag(trap_exit, false) end.

%% A name is one registry's.
taken_name_test() ->
    {ok, Keeper} = oyez_registry:start_link(#{name => taken}),
    {ok, 0} = oyez_registry:subscribe(taken, a),
    ?assertEqual({error, {already_started, Keeper}}, oyez_registry:start_link(#{name => taken})),
    ?assertEqual({error, {already_started, Keeper}}, oyez_registry:new(#{name => taken})),
    ?assertEqual(1, oyez_registry:count(taken, a)),
    ok = oyez_registry:close(taken).

supervised_test() ->
    process_flag(trap_exit, true),
    Child = oyez_registry:child_spec(#{name => supervised, tag => supervised}),
    {ok, Supervisor} = supervisor:start_link(?MODULE, [Child]),
    {ok, 0} = oyez_registry:subscribe(supervised, a),
    {ok, _} = oyez_registry:publish(supervised, a, <<"x">>),
    receive {oyez, supervised, Items} -> ?assertEqual([{event, 1, <<"x">>}], Items) end,
    exit(Supervisor, shutdown),
    receive {'EXIT', Supervisor, shutdown} -> ok end,
    process_flag(trap_exit, false),
    ?assertError(badarg, oyez_registry:publish(supervised, a, <<"x">>)).

init(Children) -> {ok, {#{}, Children}}.

%% What is no list, or none to its end, is the caller's mistake, and harms nobody else.
improper_test() ->
    Registry = registry(),
    {ok, 0} = oyez_registry:subscribe(Registry, a),
    Long = lists:duplicate(20000, self()),
    [?assertError(badarg, oyez_registry:publish(Registry, a, <<"x">>, #{except => Except}))
     || Except <- [x, [x], [self() | x], [self() | self()], Long ++ x]],
    [?assertError(badarg, oyez_registry:publish_any(Registry, Topics, <<"x">>)) || Topics <- [a, [a | b], lists:seq(1, 1000) ++ x]],
    ?assertError(badarg, oyez_registry:publish_any(Registry, [a], <<"x">>, #{except => [self() | x]})),
    % another node's process is not subscribed, and so it is left out
    Elsewhere = binary_to_term(<<131, 88, 100, 0, 3, "a@b", 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1>>),
    ?assertMatch({ok, #{count := 1}}, oyez_registry:publish(Registry, a, <<"x">>, #{except => [Elsewhere]})).

%% Options that are wrong are told, and no exit signal comes of them.
options_test() ->
    Wrong = [#{partitions => 0}, #{partitions => a}, #{partition => 1}, #{path => small}, #{name => "text"},
             #{overload => #{64 => drop_oldest}}, #{overload => #{1 => give_up}}, #{overload => []},
             #{payload_bytes_max => 1 bsl 30}],
    {Pid, Monitor} = spawn_monitor(fun() ->
                                           [?assertEqual({error, {bad_options, Options}}, oyez_registry:new(Options))
                                            || Options <- Wrong],
                                           timer:sleep(50)
                                   end),
    receive {'DOWN', Monitor, process, Pid, Reason} -> ?assertEqual(normal, Reason) end.

refused_test() ->
    Registry = registry(#{payload_bytes_max => 10, topics_per_subscriber_max => 2, subscribers_per_partition_max => 1,
                          partitions => 1}),
    ?assertEqual({error, {payload_too_large, 10}}, oyez_registry:publish(Registry, a, <<"0123456789x">>)),
    ?assertEqual({error, {unsupported_type, float}}, oyez_registry:publish(Registry, 1.0, <<"x">>)),
    ?assertEqual({error, {unsupported_type, map}}, oyez_registry:subscribe(Registry, #{})),
    [{ok, 0} = oyez_registry:subscribe(Registry, Topic) || Topic <- [1, 2]],
    ?assertEqual({error, too_many_topics}, oyez_registry:subscribe(Registry, 3)),
    ?assertEqual(2, stat(Registry, topics)),
    ?assertEqual({error, full}, oyez_registry:subscribe(Registry, 1, spawn(fun() -> timer:sleep(1000) end))),
    ?assertError(badarg, oyez_registry:publish(Registry, 1, "text")),
    ?assertError(badarg, oyez_registry:publish(Registry, 1, <<"x">>, #{class => 64})),
    ?assertError(badarg, oyez_registry:publish(Registry, 1, <<"x">>, #{except => [a]})),
    ?assertError(badarg, oyez_registry:subscribe(Registry, 1, a)),
    ?assertError(function_clause, oyez_registry:join(Registry, self(), #{window => 0})),
    Nif = make_ref(),
    ?assertEqual({error, bad_reference}, oyez:registry_stats(Nif)),
    ?assertEqual({error, bad_reference}, oyez:registry_publish(Nif, 1, <<"x">>, 0, [])).
