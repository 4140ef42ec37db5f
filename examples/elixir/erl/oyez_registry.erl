%% @doc Processes that subscribe to topics, and the events that reach them.
%%
%% A topic is any term that can be a key of a sorted set, and is there while a process is subscribed to it. A payload is
%% a binary. A process that is subscribed gets messages `{oyez, Tag, Items}': the tag is the registry's ({@link tag/1}),
%% an item `{event, Sequence, Payload}' or, in the place of events that it did not get, `{gap, Count, First, Last}'. It
%% sees all events in the order of their sequences, and its queue ends with its life: nothing has to be undone.
%%
%% A process whose queue is full when an event comes that it must not miss (of a class whose policy is `disconnect')
%% leaves, and is told `{oyez, Tag, overflowed}' as the last of its messages; it may join again.
%%
%% {@link publish/3} puts the event into the queues of its partitions, tells for how many processes, and returns; each
%% partition has a process, its sender, that sends it to them, a thousand at a time. By default senders run on the
%% normal schedulers; with `#{path => dirty}' on the dirty ones, fifty thousand at a time. It is one path for all events
%% of a registry: if size decided, small ones would overtake large ones.
%%
%% A mailbox has no bound. So a process may join with a credit window: of events that it has not acknowledged it is sent
%% at most so many, and more wait in its queue, where the oldest give way, and a gap is told, when there are more than
%% `events_per_subscriber_max'.
%%
%% A registry lives on one node and serves the processes of that node. It is linked to the process that made it, and
%% goes when that goes, when one of its senders does, or with {@link close/1}.
-module(oyez_registry).

-behaviour(gen_server).

-export([new/0, new/1, start_link/1, child_spec/1, close/1, tag/1]).
-export([join/1, join/3, leave/1, leave/2, subscribe/2, subscribe/3, unsubscribe/2, unsubscribe/3]).
-export([publish/3, publish/4, publish_any/3, publish_any/4, acknowledge/2, acknowledge/3]).
-export([count/2, subscribers/2, stats/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).
-export_type([registry/0, options/0, topic/0, receipt/0, item/0, publish_options/0]).

-record(oyez_registry, {nif :: oyez:registry(), tag :: term(), keeper :: pid()}).
-record(state, {registry :: #oyez_registry{}, senders :: [pid()], name :: atom()}).
-record(plan, {nif :: oyez:registry(), tag :: term(), name :: atom(), partitions :: pos_integer(), drain :: drain()}).

-type drain() :: fun((oyez:registry(), non_neg_integer(), term()) -> more | idle | dirty | {error, term()}).

-opaque registry() :: #oyez_registry{} | atom().
%% A handle, or the name of a registry that was started with one.
-type topic() :: oyez:key().
-type receipt() :: #{sequence := pos_integer(), count := non_neg_integer(), refused := non_neg_integer()}.
%% For how many processes the event was accepted, and for how many it was not since their partitions were full.
-type item() :: {event, Sequence :: pos_integer(), Payload :: binary()}
              | {gap, Count :: pos_integer(), First :: pos_integer(), Last :: pos_integer()}.
-type publish_options() :: #{class => 0..63, except => [pid()]}.
-type options() :: #{name => atom(),
                     tag => term(),
                     path => normal | dirty,
                     partitions => pos_integer(),
                     subscribers_per_partition_max => pos_integer(),
                     topics_per_subscriber_max => pos_integer(),
                     events_per_subscriber_max => pos_integer(),
                     bytes_per_partition_max => pos_integer(),
                     payload_bytes_max => 1..1048576,
                     overload => #{0..63 => oyez:overload()}}.
%% Defaults: no name; a new reference as tag; the normal schedulers; a partition for each of them; 1,048,576 processes;
%% 1,000 topics; 256 events; 256 MiB; 1 MiB; `drop_oldest' for all classes.

-define(PAYLOAD_BYTES_MAX, 1 bsl 20). % copied on a normal scheduler
-define(IDLE_MS, 100). % until a sender lets go of the payloads it has sent
-define(CLOSE_MS, 60000).

%% @doc A registry with all defaults, linked to the caller.
-spec new() -> {ok, registry()} | {error, term()}.
new() -> new(#{}).

%% @doc A registry, linked to the caller.
-spec new(options()) -> {ok, registry()} | {error, term()}.
new(Options) ->
    case start_link(Options) of
        {ok, Keeper} -> {ok, gen_server:call(Keeper, registry)};
        {error, _} = Error -> Error
    end.

%% @doc The same for a supervisor: answers the registry's process, and the registry is known by its `name', under which
%% that process is registered: `{error, {already_started, Pid}}' if another has it. No registry of the name is a
%% `badarg', as for a table of ets.
-spec start_link(options()) -> {ok, pid()} | {error, term()}.
start_link(Options) ->
    case plan(Options) of
        {ok, #plan{name = undefined} = Plan} -> gen_server:start_link(?MODULE, Plan, []);
        {ok, #plan{name = Name} = Plan} -> gen_server:start_link({local, Name}, ?MODULE, Plan, []);
        {error, _} = Error -> Error
    end.

%% @doc For a list of children, with a `name' among the options.
-spec child_spec(options()) -> supervisor:child_spec().
child_spec(#{name := Name} = Options) ->
    #{id => {?MODULE, Name}, start => {?MODULE, start_link, [Options]}, shutdown => ?CLOSE_MS}.

%% @doc Takes in no more events, sends those that are pending but for those that wait for an acknowledgement, and frees
%% the rest. Whoever uses the registry afterwards is told `closed'.
-spec close(registry()) -> ok | {error, closed}.
close(Registry) ->
    #oyez_registry{keeper = Keeper} = handle(Registry),
    try
        gen_server:call(Keeper, close, ?CLOSE_MS)
    catch
        exit:{Reason, _Call} when Reason =/= timeout -> {error, closed} % it has ended before, or of something else
    end.

%% @doc What messages of this registry have as their second element.
-spec tag(registry()) -> term().
tag(Registry) -> (handle(Registry))#oyez_registry.tag.

%% @doc The caller joins, without a window, if it has not yet. Who subscribes has joined.
-spec join(registry()) -> ok | already | {error, term()}.
join(Registry) -> join(Registry, self(), #{}).

%% @doc A process joins; with `#{window => N}' at most N events are sent to it that it has not acknowledged. The window
%% of one that has joined already stays as it is. `{error, noproc}' if it is dead, `{error, not_local}' if it is another
%% node's.
-spec join(registry(), pid(), #{window => pos_integer()}) -> ok | already | {error, term()}.
join(Registry, Pid, Options) -> oyez:registry_join(nif(Registry), Pid, window(Options)).

%% @doc The caller leaves: all its subscriptions end, and what is pending for it is discarded.
-spec leave(registry()) -> ok | was_not | {error, term()}.
leave(Registry) -> leave(Registry, self()).

%% @doc A process leaves.
-spec leave(registry(), pid()) -> ok | was_not | {error, term()}.
leave(Registry, Pid) -> oyez:registry_leave(nif(Registry), Pid).

%% @doc The caller subscribes to a topic. Every event of the topic with a sequence after the one that is answered is for
%% it, so it can begin with its state as of then, and none is missed and none comes twice.
-spec subscribe(registry(), topic()) -> {ok | already, After :: non_neg_integer()} | {error, term()}.
subscribe(Registry, Topic) -> subscribe(Registry, Topic, self()).

%% @doc A process subscribes.
-spec subscribe(registry(), topic(), pid()) -> {ok | already, After :: non_neg_integer()} | {error, term()}.
subscribe(Registry, Topic, Pid) -> oyez:registry_subscribe(nif(Registry), Topic, Pid, 0).

%% @doc The caller's subscription ends. What was published before still comes.
-spec unsubscribe(registry(), topic()) -> left | was_not | {error, term()}.
unsubscribe(Registry, Topic) -> unsubscribe(Registry, Topic, self()).

%% @doc A process's subscription ends.
-spec unsubscribe(registry(), topic(), pid()) -> left | was_not | {error, term()}.
unsubscribe(Registry, Topic, Pid) -> oyez:registry_unsubscribe(nif(Registry), Topic, Pid).

%% @doc Publishes to everyone who is subscribed to the topic.
-spec publish(registry(), topic(), binary()) -> {ok, receipt()} | {error, term()}.
publish(Registry, Topic, Payload) -> publish(Registry, Topic, Payload, #{}).

%% @doc The same; `except' are left out, on a dirty scheduler if they are more than 10,000, `class' names the overload
%% policy. O(partitions), and O(1) for each of fewer than 64 subscribers of a partition.
-spec publish(registry(), topic(), binary(), publish_options()) -> {ok, receipt()} | {error, term()}.
publish(Registry, Topic, Payload, Options) ->
    {Nif, Class, Except} = {nif(Registry), class(Options), except(Options)},
    case oyez:registry_publish(Nif, Topic, Payload, Class, Except) of
        dirty -> receipt(oyez:registry_publish_any_dirty(Nif, [Topic], Payload, Class, Except));
        Answer -> receipt(Answer)
    end.

%% @doc Publishes to everyone who is subscribed to at least one of the topics, once each.
-spec publish_any(registry(), [topic()], binary()) -> {ok, receipt()} | {error, term()}.
publish_any(Registry, Topics, Payload) -> publish_any(Registry, Topics, Payload, #{}).

%% @doc The same, with options. Subscribers are merged, on a dirty scheduler if they are more than 10,000 or the topics
%% more than 500; other calls on the registry wait until they are.
-spec publish_any(registry(), [topic()], binary(), publish_options()) -> {ok, receipt()} | {error, term()}.
publish_any(Registry, Topics, Payload, Options) ->
    {Nif, Class, Except} = {nif(Registry), class(Options), except(Options)},
    case oyez:registry_publish_any(Nif, Topics, Payload, Class, Except) of
        dirty -> receipt(oyez:registry_publish_any_dirty(Nif, Topics, Payload, Class, Except));
        Answer -> receipt(Answer)
    end.

receipt({ok, Sequence, Count, Refused}) -> {ok, #{sequence => Sequence, count => Count, refused => Refused}};
receipt({error, _} = Error) -> Error.

%% @doc The caller has every event up to this sequence; answers how many that it had not acknowledged before.
-spec acknowledge(registry(), non_neg_integer()) -> {ok, non_neg_integer()} | {error, term()}.
acknowledge(Registry, Through) -> acknowledge(Registry, Through, self()).

%% @doc A process has them.
-spec acknowledge(registry(), non_neg_integer(), pid()) -> {ok, non_neg_integer()} | {error, term()}.
acknowledge(Registry, Through, Pid) -> oyez:registry_acknowledge(nif(Registry), Pid, Through).

%% @doc How many processes are subscribed to a topic. O(1).
-spec count(registry(), topic()) -> non_neg_integer() | {error, term()}.
count(Registry, Topic) -> oyez:registry_count(nif(Registry), Topic).

%% @doc Which processes are. O(n), on a dirty scheduler.
-spec subscribers(registry(), topic()) -> [pid()] | {error, term()}.
subscribers(Registry, Topic) -> oyez:registry_subscribers(nif(Registry), Topic).

%% @doc Counters. `accepted' is always the sum of `delivered' (sent to the process), `dropped', `discarded', `abandoned'
%% and `pending'. `down_panics' counts bugs that nobody else would tell of. O(partitions).
-spec stats(registry()) -> #{atom() => non_neg_integer()} | {error, term()}.
stats(Registry) -> oyez:registry_stats(nif(Registry)).

handle(#oyez_registry{} = Registry) -> Registry;
handle(Name) when is_atom(Name) -> persistent_term:get({?MODULE, Name}).

nif(Registry) -> (handle(Registry))#oyez_registry.nif.

window(#{window := Window}) when is_integer(Window), Window > 0 -> Window;
window(Options) when map_size(Options) =:= 0 -> 0.

class(Options) -> maps:get(class, Options, 0).
except(Options) -> maps:get(except, Options, []).

%% What a registry is to be, worked out by who asks for it: options that are wrong are an answer, not an exit signal.
plan(Options) ->
    try
        {Own, Given} = split(Options),
        Drain = path(maps:get(path, Own, normal)),
        Name = maps:get(name, Own, undefined),
        is_atom(Name) orelse error({bad_option, name}),
        {ok, #plan{nif = oyez:registry_new(Given), tag = maps:get(tag, Own, make_ref()), name = Name,
                   partitions = maps:get(partitions, Given), drain = Drain}}
    catch
        error:Reason when Reason =:= badarg; element(1, Reason) =:= bad_option -> {error, {bad_options, Options}}
    end.

%% The registry's process: it holds the senders together.

-spec init(#plan{}) -> {ok, #state{}}.
init(#plan{nif = Nif, tag = Tag, name = Name, partitions = Partitions, drain = Drain}) ->
    process_flag(trap_exit, true),
    close_after(self(), Nif),
    Registry = #oyez_registry{nif = Nif, tag = Tag, keeper = self()},
    Senders = [sender(Registry, Partition, Drain) || Partition <- lists:seq(0, Partitions - 1)],
    Name =:= undefined orelse persistent_term:put({?MODULE, Name}, Registry),
    {ok, #state{registry = Registry, senders = Senders, name = Name}}.

%% Who is killed closes nothing, and without senders events would be accepted and sent to nobody. The name of such a
%% registry stays, and says `closed', until another takes it.
close_after(Keeper, Nif) ->
    spawn(fun() ->
                  Monitor = monitor(process, Keeper),
                  receive {'DOWN', Monitor, process, Keeper, _Reason} -> oyez:registry_close(Nif) end
          end).

split(Options) ->
    Defaults = #{partitions => erlang:system_info(schedulers_online),
                 subscribers_per_partition_max => 1 bsl 20,
                 topics_per_subscriber_max => 1000,
                 events_per_subscriber_max => 256,
                 bytes_per_partition_max => 256 bsl 20,
                 payload_bytes_max => ?PAYLOAD_BYTES_MAX,
                 overload => #{}},
    Own = maps:with([name, tag, path], Options),
    Given = maps:without([name, tag, path], Options),
    maps:foreach(fun(Key, _) -> is_map_key(Key, Defaults) orelse error({bad_option, Key}) end, Given),
    #{overload := Overload, payload_bytes_max := Bytes} = All = maps:merge(Defaults, Given),
    Bytes =< ?PAYLOAD_BYTES_MAX orelse error({bad_option, payload_bytes_max}),
    is_map(Overload) orelse error({bad_option, overload}),
    {Own, All#{overload := maps:to_list(Overload)}}.

path(normal) -> fun oyez:registry_drain/3;
path(dirty) -> fun oyez:registry_drain_dirty/3;
path(_) -> error({bad_option, path}).

handle_call(registry, _From, #state{registry = Registry} = State) -> {reply, Registry, State};
handle_call(close, _From, State) -> {stop, normal, ok, State}.

handle_cast(_Message, State) -> {noreply, State}.

handle_info({'EXIT', Pid, Reason}, #state{senders = Senders} = State) ->
    case lists:member(Pid, Senders) of
        true -> {stop, {sender, Reason}, State#state{senders = lists:delete(Pid, Senders)}};
        false -> {noreply, State}
    end;
handle_info(_Message, State) -> {noreply, State}.

terminate(_Reason, #state{registry = #oyez_registry{nif = Nif}, senders = Senders, name = Name}) ->
    Name =:= undefined orelse persistent_term:erase({?MODULE, Name}),
    _ = oyez:registry_shut(Nif),
    lists:foreach(fun stop/1, Senders),
    oyez:registry_close(Nif).

stop(Sender) ->
    Sender ! stop,
    receive {'EXIT', Sender, _Reason} -> ok end.

%% A sender.

sender(#oyez_registry{nif = Nif, tag = Tag}, Partition, Drain) ->
    spawn_link(fun() ->
                       ok = oyez:registry_serve(Nif, Partition),
                       serve(Nif, Partition, Tag, Drain)
               end).

serve(Nif, Partition, Tag, Drain) ->
    case drain(Nif, Partition, Tag, Drain) of
        more -> serve(Nif, Partition, Tag, Drain);
        idle -> wait(Nif, Partition, Tag, Drain, ?IDLE_MS)
    end.

drain(Nif, Partition, Tag, Drain) ->
    case Drain(Nif, Partition, Tag) of
        dirty -> oyez:registry_drain_dirty(Nif, Partition, Tag);
        MoreOrIdle -> MoreOrIdle
    end.

wait(Nif, Partition, Tag, Drain, Timeout) ->
    receive
        wake -> serve(Nif, Partition, Tag, Drain);
        stop -> ok
    after Timeout ->
            erlang:garbage_collect(),
            wait(Nif, Partition, Tag, Drain, infinity)
    end.
