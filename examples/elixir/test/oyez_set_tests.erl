-module(oyez_set_tests).

-include_lib("proper/include/proper.hrl").
-include_lib("eunit/include/eunit.hrl").

model_test_() ->
    {timeout, 300, ?_assert(proper:quickcheck(a_set_does_as_a_sorted_list(), [500, {to_file, user}]))}.

a_set_does_as_a_sorted_list() ->
    Term = oneof([range(-40, 40), {range(0, 5), oneof([a, b])}, oneof([<<"x">>, <<"xy">>])]),
    Operation = {oneof([add, add, add, remove, find, at, slice]), Term, range(0, 60)},
    ?FORALL(Operations, ?SIZED(Size, resize(Size * 8, list(Operation))),
            begin
                Set = oyez:set_new(),
                Model = lists:foldl(fun(Operation_, Model) -> step(Set, Operation_, Model) end, [], Operations),
                oyez:set_to_list(Set) =:= Model andalso oyez:set_validate(Set) =:= {ok, length(Model)}
            end).

step(Set, {add, Term, _}, Model) ->
    Kind = case lists:member(Term, Model) of true -> already; false -> added end,
    {Kind, _} = {_, Rank} = oyez:set_add(Set, Term),
    Rank = rank(Term, Model),
    ordsets:add_element(Term, Model);
step(Set, {remove, Term, _}, Model) ->
    Kind = case lists:member(Term, Model) of true -> removed; false -> absent end,
    {Kind, _} = {_, Rank} = oyez:set_remove(Set, Term),
    Rank = rank(Term, Model),
    ordsets:del_element(Term, Model);
step(Set, {find, Term, _}, Model) ->
    Kind = case lists:member(Term, Model) of true -> found; false -> absent end,
    {Kind, _} = {_, Rank} = oyez:set_find(Set, Term),
    Rank = rank(Term, Model),
    Model;
step(Set, {at, _, Rank}, Model) when Rank < length(Model) ->
    {ok, Term} = oyez:set_at(Set, Rank),
    true = Term =:= lists:nth(Rank + 1, Model),
    Model;
step(Set, {at, _, Rank}, Model) ->
    none = oyez:set_at(Set, Rank),
    Model;
step(Set, {slice, _, Start}, Model) ->
    Slice = oyez:set_slice(Set, Start, 7),
    true = Slice =:= lists:sublist(lists:nthtail(min(Start, length(Model)), Model), 7),
    true = oyez:set_size(Set) =:= length(Model),
    Model.

rank(Term, Model) -> length([Smaller || Smaller <- Model, Smaller < Term]).

long_test_() ->
    {timeout, 60, fun() ->
        Terms = lists:seq(1, 100000),
        Shuffled = [Term || {_, Term} <- lists:sort([{erlang:phash2(Term), Term} || Term <- Terms])],
        {ok, Sorted} = oyez:set_from_sorted(Terms),
        {ok, Set} = oyez:set_from_list(Shuffled ++ Shuffled),
        ?assertEqual({ok, 100000}, oyez:set_validate(Set)),
        ?assertEqual(Terms, oyez:set_to_list(Set)),
        ?assertEqual(Terms, oyez:set_to_list(Sorted)),
        ?assertEqual(lists:seq(3001, 8500), oyez:set_slice(Set, 3000, 5500)),
        ?assertEqual(lists:seq(99001, 100000), oyez:set_slice(Set, 99000, infinity)),
        ?assertEqual([], oyez:set_slice(Set, 100000, 1)),
        ?assertEqual([], oyez:set_slice(Set, 0, 0)),
        ?assertEqual({error, {not_sorted, 2500}}, oyez:set_from_sorted(lists:seq(1, 2500) ++ [2500]))
    end}.

%% Long keys: a piece ends by its bytes.
large_keys_test() ->
    Terms = lists:sort([{binary:copy(<<N>>, 20000), N} || N <- lists:seq(1, 50)]),
    {ok, Set} = oyez:set_from_list(Terms),
    ?assertEqual(Terms, oyez:set_to_list(Set)).

no_set_test() ->
    Calls = [fun(Set) -> oyez:set_add(Set, 1) end, fun(Set) -> oyez:set_remove(Set, 1) end,
             fun(Set) -> oyez:set_find(Set, 1) end, fun(Set) -> oyez:set_at(Set, 0) end,
             fun oyez:set_size/1, fun oyez:set_to_list/1, fun oyez:set_validate/1],
    Closed = oyez:set_new(),
    ok = oyez:set_close(Closed),
    ok = oyez:set_close(Closed),
    [begin
         ?assertEqual({error, bad_reference}, Call(make_ref())),
         ?assertEqual({error, bad_reference}, Call(not_a_reference)),
         ?assertEqual({error, closed}, Call(Closed))
     end || Call <- Calls],
    ?assertEqual({error, bad_reference}, oyez:set_close(7)),
    Set = oyez:set_new(),
    [?assertError(badarg, oyez:set_at(Set, Rank)) || Rank <- [-1, a, 1.0, 1 bsl 70]],
    [?assertError(badarg, oyez:set_slice(Set, Start, 1)) || Start <- [-1, a]],
    [?assertError(badarg, oyez:set_from_list(Terms)) || Terms <- [a, [1 | 2]]].

%% A set outlives the process that made it, and any process changes it.
shared_test() ->
    Self = self(),
    spawn(fun() -> Self ! {made, oyez:set_new()} end),
    Set = receive {made, Reference} -> Reference end,
    Adders = [spawn_monitor(fun() -> {added, _} = oyez:set_add(Set, Term) end) || Term <- lists:seq(1, 50)],
    [receive {'DOWN', Monitor, process, _, Reason} -> ?assertEqual(normal, Reason) end || {_, Monitor} <- Adders],
    ?assertEqual(lists:seq(1, 50), oyez:set_to_list(Set)).
