using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Runtime.Tests.Planning;

public sealed class ArenaPlannerTests
{
    private static readonly Bindings s_maxima = new(16, 16, 1, 1);

    [Fact]
    public void Assign_shares_memory_between_storages_that_are_never_alive_together()
    {
        using Device device = Open();
        Storage[] storages = [New(device, 100, 0, 1), New(device, 100, 2, 3)];

        long[] slabs = ArenaPlanner.Assign(storages, device, s_maxima);

        Assert.Equal([448], slabs);
        Assert.Equal(storages[0].SlabOffset, storages[1].SlabOffset);
    }

    [Fact]
    public void Assign_keeps_apart_what_is_alive_together_and_aligns_every_start()
    {
        using Device device = Open(alignment: 256);
        Random random = new(7);
        Storage[] storages = [.. Enumerable.Range(0, 200).Select(_ =>
        {
            int first = random.Next(50);
            return New(device, random.Next(1, 300), first, first + random.Next(10));
        })];

        long[] slabs = ArenaPlanner.Assign(storages, device, s_maxima);

        Assert.Single(slabs);
        foreach (Storage a in storages)
        {
            Assert.Equal(0, a.SlabOffset % 256);
            Assert.True(a.SlabOffset + Bytes(device, a) <= slabs[0]);
            Assert.DoesNotContain(storages, b => b != a && b.First <= a.Last && a.First <= b.Last
                && b.SlabOffset < a.SlabOffset + Bytes(device, a) && a.SlabOffset < b.SlabOffset + Bytes(device, b));
        }
    }

    [Fact]
    public void Assign_cuts_the_arena_into_buffers_no_larger_than_the_largest()
    {
        using Device device = Open(largest: 1000);
        Storage[] storages = [.. Enumerable.Range(0, 5).Select(_ => New(device, 100, 0, 9))];

        long[] slabs = ArenaPlanner.Assign(storages, device, s_maxima);

        Assert.Equal(3, slabs.Length);
        Assert.All(slabs, bytes => Assert.InRange(bytes, 1, 1000));
    }

    [Fact]
    public void Assign_refuses_a_value_beyond_the_largest_buffer_and_names_it()
    {
        using Device device = Open(largest: 1000);

        var error = Assert.Throws<UserErrorException>(() => ArenaPlanner.Assign([New(device, 1000, 0, 1)], device, s_maxima));

        Assert.Contains("%v", error.Message, StringComparison.Ordinal);
        Assert.Contains("1000", error.Message, StringComparison.Ordinal);
    }

    private static long Bytes(Device device, Storage storage) => storage.Bytes(s_maxima, device.Capabilities);

    private static Device Open(int alignment = 64, long largest = long.MaxValue) => Device.Open(
        new ScriptedBackend(new ReferenceBackend()) { Alter = c => c with { Alignment = alignment, LargestBuffer = largest } }, 0, Attributes.Empty);

    private static Storage New(Device device, long floats, int first, int last)
    {
        Storage storage = new(Side.Device, StorageKind.Arena, "v", new(ElementType.F32, floats), device.Capabilities);
        storage.UseAt(first);
        storage.UseAt(last);
        return storage;
    }
}
