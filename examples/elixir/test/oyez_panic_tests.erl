%% Of a library with planted bugs (`FEATURES=planted_panic'): what becomes of a panic.
-module(oyez_panic_tests).

-include_lib("eunit/include/eunit.hrl").

%% An exception with its message for the one whose call it was; the set, which may be half changed, is not used any
%% more, and the process and all other sets go on.
set_test() ->
    {Set, Other} = {oyez:set_new(), oyez:set_new()},
    {added, 0} = oyez:set_add(Set, 1),
    ?assertError({panic, <<"planted">>}, oyez:set_add(Set, planted_panic)),
    [?assertEqual({error, poisoned}, Call(Set))
     || Call <- [fun(S) -> oyez:set_add(S, 2) end, fun oyez:set_size/1, fun oyez:set_to_list/1]],
    {added, 0} = oyez:set_add(Other, 2),
    ok = oyez:set_close(Set),
    ok = oyez:set_close(Other).

%% Nobody would hear of a panic in `down', so it is counted.
down_test() ->
    {ok, Registry} = oyez_registry:new(#{partitions => 1}),
    {Pid, Monitor} = spawn_monitor(fun() -> receive stop -> ok end end),
    {ok, 0} = oyez_registry:subscribe(Registry, a, Pid),
    #{down_panics := 0} = oyez_registry:stats(Registry),
    exit(Pid, kill),
    receive {'DOWN', Monitor, process, Pid, killed} -> ok end,
    ?assertMatch(#{down_panics := 1, subscribers := 0}, settled(Registry, 1000)).

settled(Registry, Left) ->
    case oyez_registry:stats(Registry) of
        #{subscribers := Count} when Count > 0, Left > 0 ->
            timer:sleep(5),
            settled(Registry, Left - 5);
        Stats -> Stats
    end.
