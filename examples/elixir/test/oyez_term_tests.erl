%% Every term that can be a key: it comes back as it was, and stands where Erlang's order has it. A set of two terms is
%% built from sorted input if and only if the first is less, so each pair shows how the keys compare.
-module(oyez_term_tests).

-include_lib("proper/include/proper.hrl").
-include_lib("eunit/include/eunit.hrl").

-define(CASES, list_to_integer(os:getenv("PROPER_CASES", "2000"))).
-define(property(Property), {timeout, 300, ?_assert(proper:quickcheck(Property, [?CASES, {to_file, user}]))}).

order_test_() -> ?property(any_two_terms_are_in_erlangs_order()).
neighbours_test_() -> ?property(neighbours_are_in_erlangs_order()).
all_test_() -> ?property(a_set_is_its_terms_sorted()).

any_two_terms_are_in_erlangs_order() ->
    ?FORALL({A, B}, {key(), key()}, in_order(A, B)).

neighbours_are_in_erlangs_order() ->
    ?FORALL(A, key(), ?FORALL(B, near(A), in_order(A, B) andalso in_order({A, 1}, {B, 0}) andalso in_order([A], [B]))).

a_set_is_its_terms_sorted() ->
    ?FORALL(Terms, list(key()),
            begin
                {ok, Set} = oyez:set_from_list(Terms),
                oyez:set_to_list(Set) =:= lists:usort(Terms)
            end).

in_order(A, B) ->
    less(A, B) =:= (A < B) andalso less(B, A) =:= (B < A) andalso comes_back(A) andalso comes_back(B).

less(A, B) ->
    case oyez:set_from_sorted([A, B]) of
        {ok, _} -> true;
        {error, {not_sorted, 1}} -> false
    end.

comes_back(Term) ->
    {ok, Set} = oyez:set_from_list([Term]),
    {ok, Back} = oyez:set_at(Set, 0),
    Back =:= Term.

%% Generators.

key() -> ?SIZED(Size, key(min(Size, 30))).

key(0) -> leaf();
key(Size) ->
    Parts = ?LET(Count, range(0, 4), vector(Count, ?LAZY(key(Size div 3)))),
    frequency([{3, leaf()}, {1, ?LET(Elements, Parts, list_to_tuple(Elements))}, {1, Parts},
               {1, ?LET({Heads, Tail}, {Parts, leaf()}, Heads ++ Tail)}]).

leaf() -> oneof([whole(), name(), bytes(), [], {}]).

whole() ->
    oneof([integer(), range(-300, 300),
           ?LET({Bits, Sign, By}, {range(0, 2200), oneof([1, -1]), range(-2, 2)}, Sign * (1 bsl Bits) + By)]).

%% Few atoms, since none is ever forgotten.
name() ->
    Letter = oneof([$a, $b, 0, 16#FF, 16#3BB, 16#1F600]),
    ?LET(Length, range(0, 3), ?LET(Letters, vector(Length, Letter), list_to_atom(Letters))).

bytes() -> ?LET(Bytes, list(oneof([0, 1, $a, 254, 255])), list_to_binary(Bytes)).

%% A term that is much like another.
near(Term) ->
    ?LET(Way, range(0, 5), oneof([exactly(nudge(Term, Way)), exactly(deep(Term, Way))])).

nudge(Term, Way) when is_integer(Term) ->
    lists:nth(Way + 1, [Term + 1, Term - 1, -Term, Term bsl 8, Term bsr 8, Term * 2]);
nudge(Term, Way) when is_binary(Term) ->
    lists:nth(Way + 1, [<<Term/binary, 0>>, <<Term/binary, 255>>, <<0, Term/binary>>, <<Term/binary, 0, 0>>,
                        binary:part(Term, 0, byte_size(Term) div 2), [Term]]);
nudge(Term, Way) when is_atom(Term) ->
    Text = lists:sublist(atom_to_list(Term), 4),
    Others = [Text ++ [0], Text ++ "a", [0 | Text], lists:droplast([$a | Text]), Text, Text ++ "λ"],
    list_to_atom(lists:nth(Way + 1, Others));
nudge(Term, Way) when is_tuple(Term) ->
    lists:nth(Way + 1, [erlang:append_element(Term, 0), erlang:append_element(Term, []), {Term}, {Term, Term}, [Term],
                        list_to_tuple(lists:sublist(tuple_to_list(Term), tuple_size(Term) div 2))]);
nudge([], Way) -> lists:nth(Way + 1, [[[]], [0], <<>>, {}, nil, 0]);
nudge([Head | Tail], Way) ->
    lists:nth(Way + 1, [Tail, [Head | [Tail]], [Head, Head | Tail], [Head], [Head | <<>>], [Tail | Head]]).

%% The same with a change within.
deep([Head | Tail], Way) when Way rem 2 =:= 0 -> [nudge(Head, Way) | Tail];
deep([Head | Tail], Way) -> [Head | nudge(Tail, Way)];
deep(Term, Way) when is_tuple(Term), tuple_size(Term) > 0 ->
    At = 1 + Way rem tuple_size(Term),
    setelement(At, Term, nudge(element(At, Term), Way));
deep(Term, Way) -> {nudge(Term, Way)}.

%% What the generators may miss.

edges_test() ->
    Bits = [7, 8, 15, 16, 31, 32, 59, 60, 63, 64, 65, 1007, 1008, 1009, 1015, 1016, 1017, 4000],
    Integers = lists:usort([Sign * (1 bsl Bit) + By || Bit <- Bits, Sign <- [1, -1], By <- [-1, 0, 1]]),
    Atoms = ['', 'a', 'a\0', 'aa', 'å', 'λ'],
    Terms = Integers ++ Atoms ++ [{}, {0}, {z}, {0, 0}, [], [0], [0 | 0], <<>>, <<0>>],
    Sorted = lists:sort(Terms),
    {ok, Set} = oyez:set_from_sorted(Sorted),
    ?assertEqual(Sorted, oyez:set_to_list(Set)),
    [?assert(in_order(A, B)) || A <- Terms, B <- Terms].

%% The depth of a term is bounded by the length of its key, and it takes no stack.
deep_test() ->
    Deep = fun(Depth) -> lists:foldl(fun(_, Term) -> [Term] end, [], lists:seq(1, Depth)) end,
    Tuples = lists:foldl(fun(_, Term) -> {Term} end, {}, lists:seq(1, 10000)),
    [?assert(comes_back(Term)) || Term <- [Deep(30000), Tuples, lists:duplicate(16000, 7), [1 | 2]]],
    ?assertEqual({error, key_too_large}, oyez:set_from_list([Deep(66000)])),
    ?assertEqual({error, key_too_large}, oyez:set_from_list([lists:duplicate(70000, a)])),
    ?assertEqual({error, key_too_large}, oyez:set_from_list([binary:copy(<<0>>, 40000)])),
    ?assertEqual({error, key_too_large}, oyez:set_from_list([erlang:make_tuple(1000000, 0)])),
    ?assertEqual({error, key_too_large}, oyez:set_from_list([1 bsl 1000000])),
    ?assert(comes_back(binary:copy(<<1>>, 65000))),
    ?assert(comes_back(1 bsl 400000)).

refused_test() ->
    Refused = [{float, 1.0}, {map, #{}}, {bitstring, <<1:1>>}, {pid, self()}, {reference, make_ref()},
               {port, hd(erlang:ports())}, {'fun', fun() -> ok end}],
    [begin
         Set = oyez:set_new(),
         ?assertEqual({error, {unsupported_type, Type}}, oyez:set_add(Set, Within)),
         ?assertEqual({error, {unsupported_type, Type}}, oyez:set_find(Set, Within)),
         ?assertEqual(0, oyez:set_size(Set))
     end || {Type, Term} <- Refused, Within <- [Term, {a, Term}, [a, Term], [a | Term], [{[Term]}]]].
