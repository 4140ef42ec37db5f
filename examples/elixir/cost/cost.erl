%% What calls cost, in nanoseconds, the median of rounds. `make cost'.
-module(cost).

-export([main/0]).

-define(ROUNDS, 7).
-define(KEYS, 1000000).
-define(PIDS, 10000).

main() ->
    Empty = oyez:set_new(),
    show("oyez:set_size of a set", per(200000, fun(_) -> oyez:set_size(Empty) end)),
    {added, 0} = oyez:set_add(Empty, 7),
    show("oyez:set_find among one", per(200000, fun(_) -> oyez:set_find(Empty, 7) end)),
    show("ets:lookup of an integer, to compare", ets()),
    {ok, Set} = oyez:set_from_sorted(lists:seq(0, 2 * ?KEYS - 1, 2)),
    show("oyez:set_find among 1M integers", per(200000, fun(N) -> {found, _} = oyez:set_find(Set, even(N)) end)),
    show("oyez:set_at among 1M integers", per(200000, fun(N) -> {ok, _} = oyez:set_at(Set, even(N) div 2) end)),
    show("oyez:set_add among 1M integers", add(Set)),
    show("oyez:set_remove among 1M integers", remove(Set)),
    show("oyez:set_slice of 100 among 1M integers",
         per(20000, fun(N) -> [_ | _] = oyez:set_slice(Set, even(N) div 3, 100) end)),
    Tuples = [{N, <<"name", (integer_to_binary(N))/binary>>, N} || N <- lists:seq(1, ?KEYS)],
    {ok, Wide} = oyez:set_from_sorted(Tuples),
    show("oyez:set_find among 1M {int, bin, int}",
         per(100000, fun(N) -> {found, _} = oyez:set_find(Wide, tuple(N)) end)),
    show("oyez:set_slice of 100 among 1M {int, bin, int}",
         per(5000, fun(N) -> [_ | _] = oyez:set_slice(Wide, even(N) div 3, 100) end)),
    [asleep(Bytes) || Bytes <- [10, 1000]],
    [deliver(Path, Bytes) || Path <- [normal, dirty], Bytes <- [10, 1000]],
    [sends(Bytes) || Bytes <- [10, 1000]].

even(N) -> 2 * ((N * 7919 + 13) rem ?KEYS).

tuple(N) ->
    Key = 1 + (N * 7919) rem ?KEYS,
    {Key, <<"name", (integer_to_binary(Key))/binary>>, Key}.

ets() ->
    Table = ets:new(table, [public]),
    ets:insert(Table, {7}),
    per(200000, fun(_) -> ets:lookup(Table, 7) end).

add(Set) ->
    per(30000,
        fun(N) -> {added, _} = oyez:set_add(Set, even(N) + 1) end,
        fun(N) -> oyez:set_remove(Set, even(N) + 1) end).

remove(Set) ->
    per(30000,
        fun(N) -> {removed, _} = oyez:set_remove(Set, even(N)) end,
        fun(N) -> oyez:set_add(Set, even(N)) end).

%% Of so many calls, less an empty one.
per(Count, Call) -> per(Count, Call, none).

per(Count, Call, Undo) ->
    Round = fun(_) ->
                    Times = timed(Count, Call) - timed(Count, fun(_) -> ok end),
                    Undo =:= none orelse timed(Count, Undo),
                    Times / Count
            end,
    median(lists:map(Round, lists:seq(1, ?ROUNDS))).

timed(Count, Call) ->
    Start = erlang:monotonic_time(nanosecond),
    repeat(Count, Call),
    erlang:monotonic_time(nanosecond) - Start.

repeat(0, _Call) -> ok;
repeat(Count, Call) ->
    Call(Count),
    repeat(Count - 1, Call).

%% Sending alone: to processes that are suspended, by one sender, and by a loop.
asleep(Bytes) ->
    Payload = binary:copy(<<"x">>, Bytes),
    Asleep = fun() ->
                     Pids = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, ?PIDS)],
                     [true = erlang:suspend_process(Pid) || Pid <- Pids],
                     Pids
             end,
    Loop = Asleep(),
    Bang = [timed(1, fun(_) -> [Pid ! {event, Payload} || Pid <- Loop] end) || _ <- lists:seq(1, ?ROUNDS)],
    {ok, Registry} = oyez_registry:new(#{partitions => 1}),
    Pids = Asleep(),
    Tag = oyez_registry:tag(Registry),
    [{ok, _} = oyez_registry:subscribe(Registry, room, Pid) || Pid <- Pids ++ [self()]], % who is last, is sent it last
    Publish = fun(_) ->
                      {ok, _} = oyez_registry:publish(Registry, room, Payload),
                      receive {oyez, Tag, [_]} -> ok end
              end,
    Sent = [timed(1, Publish) || _ <- lists:seq(1, ?ROUNDS)],
    show(io_lib:format("publish of ~b bytes to suspended processes, a process", [Bytes]), median(Sent) / ?PIDS),
    show(io_lib:format("`!' of ~b bytes to them in a loop, a process", [Bytes]), median(Bang) / ?PIDS),
    ok = oyez_registry:close(Registry),
    [exit(Pid, kill) || Pid <- Pids ++ Loop].

%% From the publish until the last of the processes has it, a process.
deliver(Path, Bytes) ->
    {ok, Registry} = oyez_registry:new(#{partitions => 2, path => Path}),
    Tag = oyez_registry:tag(Registry),
    Pids = receivers(fun Receive(Owner) -> receive {oyez, Tag, [_]} -> Owner ! got, Receive(Owner) end end),
    [{ok, _} = oyez_registry:subscribe(Registry, room, Pid) || Pid <- Pids],
    Payload = binary:copy(<<"x">>, Bytes),
    {Calls, Times} = rounds(fun() -> {ok, #{count := ?PIDS}} = oyez_registry:publish(Registry, room, Payload) end),
    show(io_lib:format("publish of ~b bytes to ~b processes, path ~p: the call", [Bytes, ?PIDS, Path]), Calls),
    show(io_lib:format("... a process, until it has answered", []), Times / ?PIDS),
    ok = oyez_registry:close(Registry),
    [exit(Pid, kill) || Pid <- Pids].

sends(Bytes) ->
    Pids = receivers(fun Receive(Owner) -> receive {event, _} -> Owner ! got, Receive(Owner) end end),
    Payload = binary:copy(<<"x">>, Bytes),
    {Calls, Times} = rounds(fun() -> [Pid ! {event, Payload} || Pid <- Pids] end),
    show(io_lib:format("`!' of ~b bytes to each of them in a loop, a process: the loop", [Bytes]), Calls / ?PIDS),
    show("... a process, until it has answered", Times / ?PIDS),
    [exit(Pid, kill) || Pid <- Pids].

receivers(Receive) ->
    Owner = self(),
    [spawn(fun() -> Receive(Owner) end) || _ <- lists:seq(1, ?PIDS)].

rounds(Send) ->
    Round = fun(_) ->
                    Start = erlang:monotonic_time(nanosecond),
                    Send(),
                    Sent = erlang:monotonic_time(nanosecond),
                    [receive got -> ok end || _ <- lists:seq(1, ?PIDS)],
                    {Sent - Start, erlang:monotonic_time(nanosecond) - Start}
            end,
    {Calls, Times} = lists:unzip(lists:map(Round, lists:seq(1, 3 * ?ROUNDS))),
    {median(Calls), median(Times)}.

median(Values) -> lists:nth(1 + length(Values) div 2, lists:sort(Values)).

show(What, Nanoseconds) -> io:format("cost ~s ~b ns~n", [What, round(Nanoseconds)]).
