%% @doc The NIFs, and what of sorted sets needs more than one call of them.
%%
%% A set is a reference to something outside the heap, like a table of ets: it is changed in place, any process may use
%% it, and it goes when nobody refers to it any more, or with {@link set_close/1}. Its keys are terms in Erlang's order:
%% integers, atoms, binaries, tuples and lists of these; any other term is refused with `{error, {unsupported_type,
%% Type}}', one whose key would have more than 65,536 bytes with `{error, key_too_large}'. A rank is a 0-based position.
%%
%% Nothing fails because others use the set. No call holds a scheduler for long: what could is done in pieces, or on a
%% dirty scheduler. The functions beginning with `registry_' and `builder_' are for {@link oyez_registry} and this
%% module.
-module(oyez).

-export([set_new/0, set_from_list/1, set_from_sorted/1, set_add/2, set_remove/2, set_find/2, set_at/2, set_size/1,
         set_slice/3, set_to_list/1, set_close/1, set_validate/1]).
-export([builder_new/0, builder_take/2, builder_finish/2, builder_finish/3]).
-export([registry_new/1, registry_serve/2, registry_drain/3, registry_drain_dirty/3, registry_join/3, registry_leave/2,
         registry_subscribe/4, registry_unsubscribe/3, registry_publish/5, registry_publish_any/5,
         registry_publish_any_dirty/5, registry_acknowledge/3, registry_count/2, registry_subscribers/2,
         registry_stats/1, registry_shut/1, registry_close/1]).
-export_type([set/0, key/0, rank/0, no_key/0, gone/0, unusable/0, registry/0, registry_options/0, overload/0]).

-nifs([set_new/0, set_add/2, set_remove/2, set_find/2, set_at/2, set_size/1, set_slice_nif/3, set_slice_after/3,
       set_close/1, set_validate/1, builder_new/0, builder_take/2, builder_finish/2, builder_finish_dirty/2,
       registry_new/1, registry_serve/2, registry_drain/3, registry_drain_dirty/3, registry_join/3, registry_leave/2,
       registry_subscribe/4, registry_unsubscribe/3, registry_publish/5, registry_publish_any/5,
       registry_publish_any_dirty/5, registry_acknowledge/3, registry_count/2, registry_subscribers/2, registry_stats/1,
       registry_shut/1, registry_close/1]).
-on_load(load/0).

-type key() :: integer() | atom() | binary() | [key()] | nonempty_improper_list(key(), key()) | tuple().
-type rank() :: non_neg_integer().
-opaque set() :: reference().
-type no_key() :: {unsupported_type, float | map | bitstring | pid | port | reference | 'fun'} | key_too_large.
-type gone() :: bad_reference | closed.
-type unusable() :: gone() | poisoned.
-opaque registry() :: reference().
-type overload() :: drop_oldest | drop_newest | disconnect.
-type registry_options() :: #{partitions := pos_integer(),
                              subscribers_per_partition_max := pos_integer(),
                              topics_per_subscriber_max := pos_integer(),
                              events_per_subscriber_max := pos_integer(),
                              bytes_per_partition_max := pos_integer(),
                              payload_bytes_max := pos_integer(),
                              overload := [{0..63, overload()}]}.
-type builder() :: reference().

%% More terms are sorted on a dirty scheduler.
-define(BUILT_AT_ONCE, 1000).

load() ->
    erlang:load_nif(filename:join(code:priv_dir(oyez), "oyez"), 0).

%% @doc An empty set. O(1).
-spec set_new() -> set().
set_new() -> erlang:nif_error(not_loaded).

%% @doc A set of these terms, in any order; of equal ones the first stays. O(n log n).
-spec set_from_list([key()]) -> {ok, set()} | {error, no_key() | full}.
set_from_list(Terms) -> build(Terms, any).

%% @doc A set of terms that ascend; O(n). `{not_sorted, Index}' names the first that is not greater than the one before.
-spec set_from_sorted([key()]) -> {ok, set()} | {error, no_key() | full | {not_sorted, non_neg_integer()}}.
set_from_sorted(Terms) -> build(Terms, sorted).

build(Terms, Order) ->
    Builder = builder_new(),
    case take_all(Builder, Terms) of
        {done, Count} -> builder_finish(Builder, Order, Count);
        {error, _} = Error -> Error
    end.

-spec builder_finish(builder(), any | sorted, non_neg_integer()) ->
          {ok, set()} | {error, full | {not_sorted, non_neg_integer()}}.
builder_finish(Builder, Order, Count) when Count =< ?BUILT_AT_ONCE -> builder_finish(Builder, Order);
builder_finish(Builder, Order, _Count) -> builder_finish_dirty(Builder, Order).

take_all(Builder, Terms) ->
    case builder_take(Builder, Terms) of
        {more, Rest} -> take_all(Builder, Rest);
        DoneOrError -> DoneOrError
    end.

%% @doc Adds a term and tells its rank. O(log n).
-spec set_add(set(), key()) -> {added | already, rank()} | {error, no_key() | unusable() | full}.
set_add(_Set, _Term) -> erlang:nif_error(not_loaded).

%% @doc Removes a term and tells the rank it had, or would have. O(log n).
-spec set_remove(set(), key()) -> {removed | absent, rank()} | {error, no_key() | unusable()}.
set_remove(_Set, _Term) -> erlang:nif_error(not_loaded).

%% @doc The rank of a term, or the one it would have. O(log n).
-spec set_find(set(), key()) -> {found | absent, rank()} | {error, no_key() | unusable()}.
set_find(_Set, _Term) -> erlang:nif_error(not_loaded).

%% @doc The term of a rank. O(log n).
-spec set_at(set(), rank()) -> {ok, key()} | none | {error, unusable()}.
set_at(_Set, _Rank) -> erlang:nif_error(not_loaded).

%% @doc How many terms there are. O(1).
-spec set_size(set()) -> non_neg_integer() | {error, unusable()}.
set_size(_Set) -> erlang:nif_error(not_loaded).

%% @doc The terms of so many ranks from one on; fewer if there are fewer. O(log n), and O(1) a term. Each thousand is of
%% one moment, and the next begins behind its last: if others change the set meanwhile, a long slice still ascends, has
%% every term of its range that was there throughout, and none twice.
-spec set_slice(set(), rank(), non_neg_integer() | infinity) -> [key()] | {error, unusable()}.
set_slice(Set, Start, infinity) ->
    set_slice(Set, Start, 1 bsl 32);
set_slice(Set, Start, Amount) ->
    pieces(Set, set_slice_nif(Set, Start, Amount), []).

pieces(_Set, {error, _} = Error, _Pieces) -> Error;
pieces(_Set, {Piece, 0}, []) -> Piece;
pieces(_Set, {Piece, 0}, Pieces) -> lists:append(lists:reverse(Pieces, [Piece]));
pieces(Set, {Piece, Left}, Pieces) ->
    pieces(Set, set_slice_after(Set, lists:last(Piece), Left), [Piece | Pieces]).

%% @doc All terms. As {@link set_slice/3}.
-spec set_to_list(set()) -> [key()] | {error, unusable()}.
set_to_list(Set) -> set_slice(Set, 0, infinity).

%% @doc Frees the terms now; whoever uses the set afterwards is told `closed'. O(1): the terms go elsewhere to die.
-spec set_close(set()) -> ok | {error, bad_reference}.
set_close(_Set) -> erlang:nif_error(not_loaded).

%% @doc Checks a set from within. For tests. O(n).
-spec set_validate(set()) -> {ok, Size :: non_neg_integer()} | {error, Complaint :: binary() | unusable()}.
set_validate(_Set) -> erlang:nif_error(not_loaded).

-spec set_slice_nif(set(), rank(), non_neg_integer()) ->
          {[key()], Left :: non_neg_integer()} | {error, unusable()}.
set_slice_nif(_Set, _Start, _Amount) -> erlang:nif_error(not_loaded).

-spec set_slice_after(set(), key(), pos_integer()) ->
          {[key()], Left :: non_neg_integer()} | {error, unusable()}.
set_slice_after(_Set, _Last, _Left) -> erlang:nif_error(not_loaded).

-spec builder_new() -> builder().
builder_new() -> erlang:nif_error(not_loaded).

-spec builder_take(builder(), [key()]) ->
          {more, [key()]} | {done, non_neg_integer()} | {error, no_key()}.
builder_take(_Builder, _Terms) -> erlang:nif_error(not_loaded).

-spec builder_finish(builder(), any | sorted) ->
          {ok, set()} | {error, full | {not_sorted, non_neg_integer()}}.
builder_finish(_Builder, _Order) -> erlang:nif_error(not_loaded).

-spec builder_finish_dirty(builder(), any | sorted) ->
          {ok, set()} | {error, full | {not_sorted, non_neg_integer()}}.
builder_finish_dirty(_Builder, _Order) -> erlang:nif_error(not_loaded).

-spec registry_new(registry_options()) -> registry().
registry_new(_Options) -> erlang:nif_error(not_loaded).

-spec registry_serve(registry(), non_neg_integer()) -> ok | {error, unusable() | no_such_partition}.
registry_serve(_Registry, _Partition) -> erlang:nif_error(not_loaded).

-spec registry_drain(registry(), non_neg_integer(), term()) ->
          more | idle | dirty | {error, unusable() | no_such_partition}.
registry_drain(_Registry, _Partition, _Tag) -> erlang:nif_error(not_loaded).

-spec registry_drain_dirty(registry(), non_neg_integer(), term()) ->
          more | idle | {error, unusable() | no_such_partition}.
registry_drain_dirty(_Registry, _Partition, _Tag) -> erlang:nif_error(not_loaded).

-spec registry_join(registry(), pid(), non_neg_integer()) ->
          ok | already | {error, unusable() | full | noproc | not_local}.
registry_join(_Registry, _Pid, _Window) -> erlang:nif_error(not_loaded).

-spec registry_leave(registry(), pid()) -> ok | was_not | {error, unusable() | not_local}.
registry_leave(_Registry, _Pid) -> erlang:nif_error(not_loaded).

-spec registry_subscribe(registry(), key(), pid(), non_neg_integer()) ->
          {ok | already, After :: non_neg_integer()}
              | {error, unusable() | no_key() | full | noproc | not_local | not_joined | too_many_topics}.
registry_subscribe(_Registry, _Topic, _Pid, _Window) -> erlang:nif_error(not_loaded).

-spec registry_unsubscribe(registry(), key(), pid()) -> left | was_not | {error, unusable() | no_key() | not_local}.
registry_unsubscribe(_Registry, _Topic, _Pid) -> erlang:nif_error(not_loaded).

-spec registry_publish(registry(), key(), binary(), 0..63, [pid()]) ->
          {ok, Sequence :: pos_integer(), Count :: non_neg_integer(), Refused :: non_neg_integer()}
              | dirty
              | {error, unusable() | no_key() | {payload_too_large, Max :: non_neg_integer()}}.
registry_publish(_Registry, _Topic, _Payload, _Class, _Except) -> erlang:nif_error(not_loaded).

-spec registry_publish_any(registry(), [key()], binary(), 0..63, [pid()]) ->
          {ok, Sequence :: pos_integer(), Count :: non_neg_integer(), Refused :: non_neg_integer()}
              | dirty
              | {error, unusable() | no_key() | {payload_too_large, Max :: non_neg_integer()}}.
registry_publish_any(_Registry, _Topics, _Payload, _Class, _Except) -> erlang:nif_error(not_loaded).

-spec registry_publish_any_dirty(registry(), [key()], binary(), 0..63, [pid()]) ->
          {ok, Sequence :: pos_integer(), Count :: non_neg_integer(), Refused :: non_neg_integer()}
              | {error, unusable() | no_key() | {payload_too_large, Max :: non_neg_integer()}}.
registry_publish_any_dirty(_Registry, _Topics, _Payload, _Class, _Except) -> erlang:nif_error(not_loaded).

-spec registry_acknowledge(registry(), pid(), non_neg_integer()) ->
          {ok, Count :: non_neg_integer()}
              | {error, unusable() | not_local | not_joined | {not_handed_over, Last :: non_neg_integer()}}.
registry_acknowledge(_Registry, _Pid, _Through) -> erlang:nif_error(not_loaded).

-spec registry_count(registry(), key()) -> non_neg_integer() | {error, unusable() | no_key()}.
registry_count(_Registry, _Topic) -> erlang:nif_error(not_loaded).

-spec registry_subscribers(registry(), key()) -> [pid()] | {error, unusable() | no_key()}.
registry_subscribers(_Registry, _Topic) -> erlang:nif_error(not_loaded).

-spec registry_stats(registry()) -> #{atom() => non_neg_integer()} | {error, unusable()}.
registry_stats(_Registry) -> erlang:nif_error(not_loaded).

-spec registry_shut(registry()) -> ok | {error, unusable()}.
registry_shut(_Registry) -> erlang:nif_error(not_loaded).

-spec registry_close(registry()) -> ok | {error, bad_reference}.
registry_close(_Registry) -> erlang:nif_error(not_loaded).
