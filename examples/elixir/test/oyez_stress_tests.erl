%% Many processes at once, under the emulator's own watch: none may hold a scheduler for long.
%%
%% On a busy machine a scheduler's thread may itself be made to wait while the emulator's clock goes on, and then
%% anything seems long. So as many processes first work for a while in Erlang alone: four times the longest that was
%% seen of them, 2 ms at least and 100 at most, is long. (Who has a lock may be made to wait too, and then others wait
%% for both.)
%% Each load has a few attempts, and must come through one of them without an event: a call of ours that takes long does
%% so in each.
-module(oyez_stress_tests).

-include_lib("eunit/include/eunit.hrl").

-define(LONG_MS, 2).
-define(LONG_MS_MAX, 100).
-define(ATTEMPTS, 5).

set_test_() -> {timeout, 300, fun() -> unhurried(fun two_writers_and_four_readers/0) end}.
bulk_test_() -> {timeout, 300, fun() -> unhurried(fun large_sets_come_and_go/0) end}.
registry_test_() -> {timeout, 300, fun() -> unhurried(fun ten_thousand_subscribers/0) end}.

%% The lists are in no heap, where they would make for long collections.
lists_test_() ->
    Make = fun() ->
                   Nobody = spawn(fun() -> ok end),
                   persistent_term:put(?MODULE, {[{room, N} || N <- lists:seq(1, 50000)],
                                                 lists:duplicate(1000000, Nobody)})
           end,
    {setup, Make, fun(_) -> persistent_term:erase(?MODULE) end,
     {timeout, 300, fun() -> unhurried(fun long_lists/0) end}}.

%% Proof that the watch sees what holds a scheduler: a set of many terms is built on a normal one.
watch_test_() ->
    {timeout, 60, fun() ->
        Builder = oyez:builder_new(),
        take(Builder, [erlang:phash2({N}) || N <- lists:seq(1, 1000000)]),
        ?assertMatch([_ | _], watched(fun() -> {ok, _} = oyez:builder_finish(Builder, any) end, 20))
    end}.

take(Builder, Terms) ->
    case oyez:builder_take(Builder, Terms) of
        {more, Rest} -> take(Builder, Rest);
        {done, _} -> ok
    end.

unhurried(Load) -> unhurried(Load, ?ATTEMPTS, []).

unhurried(_Load, 0, Seen) -> error({long_schedules, Seen});
unhurried(Load, Left, Seen) ->
    Long = long(),
    case watched(Load, Long) of
        [] -> io:format(user, "none of ~b ms ", [Long]);
        Events -> unhurried(Load, Left - 1, [{Long, Events} | Seen])
    end.

%% What is long on this machine now, in milliseconds.
long() ->
    Sort = fun() -> [lists:usort([erlang:phash2({N, M}) || M <- lists:seq(1, 20)]) || N <- lists:seq(1, 50000)] end,
    Times = [Time || {_, [{timeout, Time} | _]} <- watched(fun() -> all(lists:duplicate(6, Sort)) end, ?LONG_MS)],
    min(?LONG_MS_MAX, lists:max([?LONG_MS | [4 * Time || Time <- Times]])).

watched(Load, Long) ->
    Self = self(),
    Watcher = spawn_link(fun() -> watch(Self, []) end),
    erlang:system_monitor(Watcher, [{long_schedule, Long}]),
    all([Load]), % only who is scheduled from now on is seen
    timer:sleep(10), % and what was seen last is on its way
    erlang:system_monitor(undefined),
    Watcher ! {stop, self()},
    receive {seen, Seen} -> Seen end.

watch(Owner, Seen) ->
    receive
        {monitor, Pid, long_schedule, Info} -> watch(Owner, [{Pid, Info} | Seen]);
        {stop, Owner} -> Owner ! {seen, Seen}
    end.

%% A million operations on one set; each answers what it must.
two_writers_and_four_readers() ->
    Keys = 100000,
    {ok, Set} = oyez:set_from_sorted([{N, <<"name">>} || N <- lists:seq(1, Keys, 2)]),
    Key = fun(N) -> {1 + (N * 7919) rem Keys, <<"name">>} end,
    Write = fun(N) ->
                    case N rem 2 of
                        0 -> {Added, _} = oyez:set_add(Set, Key(N)), true = Added =:= added orelse Added =:= already;
                        1 -> {Gone, _} = oyez:set_remove(Set, Key(N)), true = Gone =:= removed orelse Gone =:= absent
                    end
            end,
    Read = fun(N) ->
                   case N rem 4 of
                       0 -> {Found, _} = oyez:set_find(Set, Key(N)), true = Found =:= found orelse Found =:= absent;
                       1 -> {ok, {_, <<"name">>}} = oyez:set_at(Set, N rem 1000);
                       2 -> Slice = oyez:set_slice(Set, N rem 1000, 20), true = Slice =:= lists:usort(Slice);
                       3 -> true = oyez:set_size(Set) > 1000
                   end
           end,
    Each = 1000000 div 6 + 1,
    all([fun() -> lists:foreach(Do, lists:seq(From, From + Each)) end
         || {Do, From} <- [{Write, 0}, {Write, 31}, {Read, 1}, {Read, 2}, {Read, 3}, {Read, 5}]]),
    {ok, Size} = oyez:set_validate(Set),
    ?assertEqual(Size, length(oyez:set_to_list(Set))).

%% Large ones are built on a dirty scheduler, and freed by the reaper. Their terms come and go a thousand at a time: a
%% long list in one heap has its own long collections.
large_sets_come_and_go() ->
    Count = 800000,
    all([fun() ->
                 Builder = oyez:builder_new(),
                 [ok = take(Builder, [{erlang:phash2({N}), N} || N <- lists:seq(From, From + 999)])
                  || From <- lists:seq(1, Count, 1000)],
                 {ok, Set} = oyez:builder_finish(Builder, any, Count),
                 Count = walk(Set, 0, {0, 0}),
                 case Closing of
                     closed -> ok = oyez:set_close(Set);
                     collected -> ok
                 end
         end || Closing <- [closed, collected]]).

walk(Set, Start, Last) ->
    case oyez:set_slice(Set, Start, 1000) of
        [] -> Start;
        [First | _] = Slice when First > Last -> walk(Set, Start + length(Slice), lists:last(Slice))
    end.

%% A third of them dies meanwhile; the others get every event.
ten_thousand_subscribers() ->
    {ok, Registry} = oyez_registry:new(#{partitions => 2}),
    Tag = oyez_registry:tag(Registry),
    Self = self(),
    Pids = [spawn(fun() -> Self ! {seen, self(), count(Tag, 0)} end) || _ <- lists:seq(1, 10000)],
    [{ok, 0} = oyez_registry:subscribe(Registry, room, Pid) || Pid <- Pids],
    {Dying, Living} = lists:split(3000, Pids),
    Payload = binary:copy(<<"x">>, 100),
    all([fun() -> [{ok, _} = oyez_registry:publish(Registry, room, Payload) || _ <- lists:seq(1, 50)] end,
         fun() -> [exit(Pid, kill) || Pid <- Dying] end]),
    ok = oyez_registry:close(Registry),
    [Pid ! done || Pid <- Living],
    [receive {seen, Pid, Count} -> ?assertEqual(50, Count) end || Pid <- Living].

%% What a publish takes along may be long: many topics, many who are left out.
long_lists() ->
    {Topics, Others} = persistent_term:get(?MODULE),
    {ok, Registry} = oyez_registry:new(#{partitions => 2}),
    {ok, 0} = oyez_registry:subscribe(Registry, {room, 7}),
    [begin
         {ok, #{count := 1}} = oyez_registry:publish_any(Registry, Topics, <<"x">>),
         {ok, #{count := 1}} = oyez_registry:publish(Registry, {room, 7}, <<"x">>, #{except => Others}),
         {ok, #{count := 1}} = oyez_registry:publish_any(Registry, [{room, 7}], <<"x">>, #{except => Others})
     end || _ <- lists:seq(1, 5)],
    ok = oyez_registry:close(Registry).

count(Tag, Count) ->
    receive
        {oyez, Tag, Items} -> count(Tag, Count + length(Items));
        done -> Count
    end.

all(Functions) ->
    Monitors = [element(2, spawn_monitor(Function)) || Function <- Functions],
    [receive {'DOWN', Monitor, process, _, Reason} -> ?assertEqual(normal, Reason) end || Monitor <- Monitors].
