ExUnit.start()

defmodule Oyez.SortedSetTest do
  use ExUnit.Case, async: true
  doctest Oyez.SortedSet

  alias Oyez.SortedSet

  test "functions and answers are those of Discord.SortedSet" do
    set = SortedSet.new(1000, 100)
    assert SortedSet.add(set, :b) == set
    assert SortedSet.index_add(set, :a) == {0, set}
    assert SortedSet.index_add(set, :a) == {nil, set}
    assert SortedSet.index_add(set, {:c, "x", [1 | 2]}) == {2, set}
    assert SortedSet.size(set) == 3
    assert SortedSet.to_list(set) == [:a, :b, {:c, "x", [1 | 2]}]
    assert SortedSet.at(set, 1) == :b
    assert SortedSet.at(set, 3) == nil
    assert SortedSet.at(set, 3, :none) == :none
    assert SortedSet.slice(set, 1, 1) == [:b]
    assert SortedSet.slice(set, 5, 1) == []
    assert SortedSet.find_index(set, :b) == 1
    assert SortedSet.find_index(set, :z) == nil
    assert SortedSet.remove(set, :z) == set
    assert SortedSet.index_remove(set, :z) == {nil, set}
    assert SortedSet.index_remove(set, :a) == {0, set}
    assert SortedSet.remove(set, :b) == set
    assert SortedSet.debug(set) == ~s(#Oyez.SortedSet<size: 1, [{:c, "x", [1 | 2]}]>)
    assert SortedSet.default_capacity() == 500
    assert SortedSet.default_bucket_size() == 500
  end

  test "sets are built from enumerables" do
    assert 5000..1 |> SortedSet.from_enumerable(100) |> SortedSet.to_list() == Enum.to_list(1..5000)
    assert 1..5000 |> SortedSet.from_proper_enumerable(100) |> SortedSet.size() == 5000
    assert SortedSet.from_proper_enumerable([]) |> SortedSet.to_list() == []
    assert SortedSet.from_proper_enumerable([1, 1]) == {:error, {:not_sorted, 1}}
    assert SortedSet.from_enumerable([1, %{}]) == {:error, :unsupported_type}
  end

  test "what is refused says why" do
    set = SortedSet.new()

    for term <- [1.0, %{}, self(), make_ref(), fn -> 1 end, {:a, [1.0]}],
        call <- [&SortedSet.add/2, &SortedSet.index_add/2, &SortedSet.remove/2, &SortedSet.find_index/2] do
      assert call.(set, term) == {:error, :unsupported_type}
    end

    assert SortedSet.add(set, String.duplicate("x", 70_000)) == {:error, :key_too_large}
    assert SortedSet.size(make_ref()) == {:error, :bad_reference}
    assert SortedSet.close(set) == :ok
    assert SortedSet.size(set) == {:error, :closed}
    assert SortedSet.debug(set) == {:error, :closed}
  end
end

defmodule Oyez.RegistryTest do
  use ExUnit.Case, async: true
  doctest Oyez.Registry

  test "a registry among the children of a supervisor" do
    start_supervised!({Oyez.Registry, name: Topics, tag: :topics, partitions: 1})
    assert Oyez.Registry.join(Topics, self(), window: 1) == :ok
    assert Oyez.Registry.subscribe(Topics, "a") == {:ok, 0}
    assert Oyez.Registry.subscribe(Topics, "b") == {:ok, 0}
    assert Oyez.Registry.count(Topics, "a") == 1
    assert Oyez.Registry.subscribers(Topics, "a") == [self()]
    assert {:ok, %{count: 1}} = Oyez.Registry.publish_any(Topics, ["a", "b"], "one")
    assert {:ok, %{count: 1}} = Oyez.Registry.publish(Topics, "b", "two")
    assert {:ok, %{count: 0}} = Oyez.Registry.publish(Topics, "b", "nobody", except: [self()])
    assert_receive {:oyez, :topics, [{:event, 1, "one"}]}
    refute_receive {:oyez, :topics, _}, 50
    assert Oyez.Registry.acknowledge(Topics, 1) == {:ok, 1}
    assert_receive {:oyez, :topics, [{:event, 2, "two"}]}
    assert Oyez.Registry.unsubscribe(Topics, "a") == :left
    assert Oyez.Registry.leave(Topics) == :ok
    assert %{accepted: 2, delivered: 2, subscribers: 0} = Oyez.Registry.stats(Topics)
    assert Oyez.Registry.close(Topics) == :ok
  end
end
