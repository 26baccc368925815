using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime;

/// <summary>
/// Gives storages their places in the arena: largest first, each at the lowest offset at which it meets no other that is alive at
/// the same time. The arena is cut into buffers no larger than the device's largest.
/// </summary>
internal static class ArenaPlanner
{
    /// <summary>Assigns slabs and offsets and returns the bytes of each slab.</summary>
    /// <exception cref="UserErrorException">One value alone exceeds the largest buffer.</exception>
    public static long[] Assign(IEnumerable<Storage> storages, Device device, in Bindings maxima)
    {
        Capabilities capabilities = device.Capabilities;
        Bindings bound = maxima;
        List<(Storage Storage, long Bytes)> bySize =
        [
            .. storages.Where(s => s.Kind == StorageKind.Arena && s.Alias is null && s.Last >= 0)
                .Select(s => (Storage: s, Bytes: Extent.RoundUp(s.Bytes(bound, capabilities), capabilities.Alignment)))
                .OrderByDescending(s => s.Bytes),
        ];
        List<List<(Storage Storage, long Bytes)>> slabs = [];
        foreach ((Storage storage, long bytes) in bySize)
        {
            if (bytes > capabilities.LargestBuffer)
            {
                throw new UserErrorException(
                    $"{device.Id}: %{storage.Name} needs a buffer of {bytes} bytes and the largest is {capabilities.LargestBuffer}; use a smaller context (-c)");
            }

            Place(slabs, storage, bytes, capabilities.LargestBuffer);
        }

        return [.. slabs.Select(slab => slab.Max(s => s.Storage.SlabOffset + s.Bytes))];
    }

    private static void Place(List<List<(Storage Storage, long Bytes)>> slabs, Storage storage, long bytes, long largest)
    {
        for (int i = 0; i <= slabs.Count; i++)
        {
            if (i == slabs.Count)
            {
                slabs.Add([]);
            }

            long offset = LowestFree(slabs[i], storage, bytes);
            if (offset <= largest - bytes)
            {
                storage.Slab = i;
                storage.SlabOffset = offset;
                slabs[i].Add((storage, bytes));
                return;
            }
        }
    }

    private static long LowestFree(List<(Storage Storage, long Bytes)> slab, Storage storage, long bytes)
    {
        long offset = 0;
        foreach ((Storage other, long otherBytes) in slab
            .Where(o => o.Storage.First <= storage.Last && storage.First <= o.Storage.Last)
            .OrderBy(o => o.Storage.SlabOffset))
        {
            if (other.SlabOffset - offset >= bytes)
            {
                break;
            }

            offset = Math.Max(offset, other.SlabOffset + otherBytes);
        }

        return offset;
    }
}
