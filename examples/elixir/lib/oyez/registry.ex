defmodule Oyez.Registry do
  @moduledoc """
  Processes that subscribe to topics, and the events that reach them: `:oyez_registry` with keywords for options, and
  for a list of children.

      children = [{Oyez.Registry, name: MyApp.Topics}]

  A process that is subscribed gets messages `{:oyez, tag, items}`, each item `{:event, sequence, payload}` or, for
  events that it did not get, `{:gap, count, first, last}`. One whose queue is full when an event comes that it must not
  miss leaves, and is told `{:oyez, tag, :overflowed}` at last.
  """

  @type t :: :oyez_registry.registry()
  @type topic :: :oyez_registry.topic()
  @type receipt :: :oyez_registry.receipt()

  @doc """
  A registry, linked to the caller. The options are those of `:oyez_registry`.

      iex> {:ok, registry} = Oyez.Registry.new(partitions: 2)
      iex> {:ok, _after} = Oyez.Registry.subscribe(registry, "room:42")
      iex> {:ok, %{sequence: 1, count: 1}} = Oyez.Registry.publish(registry, "room:42", "hello")
      iex> tag = Oyez.Registry.tag(registry)
      iex> receive do {:oyez, ^tag, items} -> items end
      [{:event, 1, "hello"}]
  """
  @spec new(keyword()) :: {:ok, t()} | {:error, any()}
  def new(options \\ []), do: options |> Map.new() |> :oyez_registry.new()

  @doc """
  The same for a supervisor, known by its `:name`.
  """
  @spec start_link(keyword()) :: {:ok, pid()} | {:error, any()}
  def start_link(options), do: options |> Map.new() |> :oyez_registry.start_link()

  @doc false
  @spec child_spec(keyword()) :: :supervisor.child_spec()
  def child_spec(options), do: options |> Map.new() |> :oyez_registry.child_spec()

  @doc """
  A process joins; with `window: n` it is sent at most `n` events that it has not acknowledged. Who subscribes has
  joined.
  """
  @spec join(t(), pid(), window: pos_integer()) :: :ok | :already | {:error, any()}
  def join(registry, pid \\ self(), options \\ []), do: :oyez_registry.join(registry, pid, Map.new(options))

  @doc """
  A process leaves: its subscriptions end, and what is pending for it is discarded.
  """
  @spec leave(t(), pid()) :: :ok | :was_not | {:error, any()}
  def leave(registry, pid \\ self()), do: :oyez_registry.leave(registry, pid)

  @doc """
  A process subscribes; every event of the topic after the answered sequence is for it.
  """
  @spec subscribe(t(), topic(), pid()) :: {:ok | :already, non_neg_integer()} | {:error, any()}
  def subscribe(registry, topic, pid \\ self()), do: :oyez_registry.subscribe(registry, topic, pid)

  @doc """
  A subscription ends. What was published before still comes.
  """
  @spec unsubscribe(t(), topic(), pid()) :: :left | :was_not | {:error, any()}
  def unsubscribe(registry, topic, pid \\ self()), do: :oyez_registry.unsubscribe(registry, topic, pid)

  @doc """
  Publishes to everyone who is subscribed to the topic. Options: `:class`, `:except`.
  """
  @spec publish(t(), topic(), binary(), keyword()) :: {:ok, receipt()} | {:error, any()}
  def publish(registry, topic, payload, options \\ []),
    do: :oyez_registry.publish(registry, topic, payload, Map.new(options))

  @doc """
  Publishes to everyone who is subscribed to at least one of the topics, once each.
  """
  @spec publish_any(t(), [topic()], binary(), keyword()) :: {:ok, receipt()} | {:error, any()}
  def publish_any(registry, topics, payload, options \\ []),
    do: :oyez_registry.publish_any(registry, topics, payload, Map.new(options))

  @doc """
  A process has every event up to this sequence.
  """
  @spec acknowledge(t(), non_neg_integer(), pid()) :: {:ok, non_neg_integer()} | {:error, any()}
  def acknowledge(registry, through, pid \\ self()), do: :oyez_registry.acknowledge(registry, through, pid)

  defdelegate close(registry), to: :oyez_registry
  defdelegate tag(registry), to: :oyez_registry
  defdelegate count(registry, topic), to: :oyez_registry
  defdelegate subscribers(registry, topic), to: :oyez_registry
  defdelegate stats(registry), to: :oyez_registry
end
