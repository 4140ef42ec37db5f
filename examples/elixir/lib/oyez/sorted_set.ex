defmodule Oyez.SortedSet do
  @moduledoc """
  A sorted set in which every term has an index, with the functions of `Discord.SortedSet`.

  A set is a reference to something outside the heap, like a table of ets: it is changed in place, and any process may
  use it. `:oyez` says what can be a term of it, and what calls cost.

  Differences to `Discord.SortedSet`:

    * no call answers `{:error, :lock_fail}`: none fails because others use the set;
    * integers have any size, binaries any bytes;
    * `from_proper_enumerable/2` refuses terms that do not ascend with `{:error, {:not_sorted, index}}`, where the other
      stores them;
    * a capacity and a bucket size are taken and not needed: nodes are as large as they should be;
    * `{:error, :key_too_large}` for a term that takes more than 65,536 bytes;
    * `close/1` frees the terms at once, and calls after it answer `{:error, :closed}`.

  As there, `{:error, :unsupported_type}` is the answer to a pid, port, reference or function, alone or within another
  term; and so far to a float or a map. And `{:error, :bad_reference}` to what is no set.
  """

  @type t :: :oyez.set()
  @type supported_term :: :oyez.key()
  @type index :: non_neg_integer()
  @type common_errors ::
          {:error, :bad_reference | :unsupported_type | :key_too_large | :closed | :poisoned | :full}

  @default_bucket_size 500

  @doc """
  An empty set.

      iex> Oyez.SortedSet.new() |> Oyez.SortedSet.size()
      0
  """
  @spec new(capacity :: pos_integer(), bucket_size :: pos_integer()) :: t()
  def new(_capacity \\ @default_bucket_size, _bucket_size \\ @default_bucket_size), do: :oyez.set_new()

  @doc """
  A set of an enumerable's terms, in any order. Of equal ones the first stays.

      iex> Oyez.SortedSet.from_enumerable([3, 1, 2, 1]) |> Oyez.SortedSet.to_list()
      [1, 2, 3]
  """
  @spec from_enumerable(Enumerable.t(), bucket_size :: pos_integer()) :: t() | common_errors()
  def from_enumerable(terms, _bucket_size \\ @default_bucket_size) do
    terms |> Enum.to_list() |> :oyez.set_from_list() |> built()
  end

  @doc """
  A set of terms that ascend: the fastest way to build one.

      iex> Oyez.SortedSet.from_proper_enumerable([1, 3, 2])
      {:error, {:not_sorted, 2}}
  """
  @spec from_proper_enumerable(Enumerable.t(), bucket_size :: pos_integer()) ::
          t() | common_errors() | {:error, {:not_sorted, index()}}
  def from_proper_enumerable(terms, _bucket_size \\ @default_bucket_size) do
    terms |> Enum.to_list() |> :oyez.set_from_sorted() |> built()
  end

  defp built({:ok, set}), do: set
  defp built(error), do: error(error)

  @doc """
  Adds a term.

      iex> Oyez.SortedSet.new() |> Oyez.SortedSet.add(:a) |> Oyez.SortedSet.to_list()
      [:a]
  """
  @spec add(t(), supported_term()) :: t() | common_errors()
  def add(set, item) do
    case :oyez.set_add(set, item) do
      {:error, _} = error -> error(error)
      {_, _rank} -> set
    end
  end

  @doc """
  Adds a term and tells its index; `nil` if it was there.

      iex> {index, _set} = Oyez.SortedSet.from_enumerable([10, 30]) |> Oyez.SortedSet.index_add(20)
      iex> index
      1
  """
  @spec index_add(t(), supported_term()) :: {index() | nil, t()} | common_errors()
  def index_add(set, item) do
    case :oyez.set_add(set, item) do
      {:added, index} -> {index, set}
      {:already, _index} -> {nil, set}
      error -> error(error)
    end
  end

  @doc """
  Removes a term, if it is there.
  """
  @spec remove(t(), supported_term()) :: t() | common_errors()
  def remove(set, item) do
    case :oyez.set_remove(set, item) do
      {:error, _} = error -> error(error)
      {_, _rank} -> set
    end
  end

  @doc """
  Removes a term and tells the index it had; `nil` if it was not there.
  """
  @spec index_remove(t(), supported_term()) :: {index() | nil, t()} | common_errors()
  def index_remove(set, item) do
    case :oyez.set_remove(set, item) do
      {:removed, index} -> {index, set}
      {:absent, _index} -> {nil, set}
      error -> error(error)
    end
  end

  @doc """
  The number of terms.
  """
  @spec size(t()) :: non_neg_integer() | common_errors()
  def size(set), do: set |> :oyez.set_size() |> plain()

  @doc """
  All terms, in order. Of a set that changes meanwhile, see `:oyez.set_slice/3`.
  """
  @spec to_list(t()) :: [supported_term()] | common_errors()
  def to_list(set), do: set |> :oyez.set_to_list() |> plain()

  @doc """
  The term at an index, or the default.
  """
  @spec at(t(), index(), default) :: supported_term() | default | common_errors() when default: any()
  def at(set, index, default \\ nil) do
    case :oyez.set_at(set, index) do
      {:ok, item} -> item
      :none -> default
      error -> error(error)
    end
  end

  @doc """
  At most so many terms from an index on.

      iex> Oyez.SortedSet.from_enumerable(1..10) |> Oyez.SortedSet.slice(8, 5)
      [9, 10]
  """
  @spec slice(t(), start :: index(), amount :: non_neg_integer()) :: [supported_term()] | common_errors()
  def slice(set, start, amount), do: set |> :oyez.set_slice(start, amount) |> plain()

  @doc """
  The index of a term; `nil` if it is not there.
  """
  @spec find_index(t(), supported_term()) :: index() | nil | common_errors()
  def find_index(set, item) do
    case :oyez.set_find(set, item) do
      {:found, index} -> index
      {:absent, _index} -> nil
      error -> error(error)
    end
  end

  @doc """
  The set as a text, with its first 50 terms.

      iex> Oyez.SortedSet.from_enumerable(1..60) |> Oyez.SortedSet.debug() |> String.ends_with?(" 49, 50, ...]>")
      true
  """
  @spec debug(t()) :: String.t() | common_errors()
  def debug(set) do
    with size when is_integer(size) <- size(set),
         terms when is_list(terms) <- slice(set, 0, 51) do
      "#Oyez.SortedSet<size: #{size}, #{inspect(terms, limit: 50)}>"
    end
  end

  @doc """
  Frees the terms now instead of when nobody refers to the set any more.
  """
  @spec close(t()) :: :ok | {:error, :bad_reference}
  def close(set), do: :oyez.set_close(set)

  @doc """
  What `Discord.SortedSet` allocates for by default. Here nothing is allocated beforehand.
  """
  @spec default_capacity() :: pos_integer()
  def default_capacity, do: @default_bucket_size

  @doc """
  How large `Discord.SortedSet` makes its buckets. Here there are none.
  """
  @spec default_bucket_size() :: pos_integer()
  def default_bucket_size, do: @default_bucket_size

  defp plain({:error, _} = error), do: error(error)
  defp plain(answer), do: answer

  # Which type it was that is not supported, :oyez tells; Discord.SortedSet does not.
  defp error({:error, {:unsupported_type, _type}}), do: {:error, :unsupported_type}
  defp error(error), do: error
end
