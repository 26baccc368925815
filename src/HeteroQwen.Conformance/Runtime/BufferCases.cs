using HeteroQwen.Backends;
using static HeteroQwen.Conformance.RuntimeBench;

namespace HeteroQwen.Conformance;

/// <summary>Buffers: sizes, alignment, that they do not share memory, and what is refused.</summary>
internal static class BufferCases
{
    private const long QuickLargest = 16 << 20;
    private const long FullLargest = 256 << 20;

    public static IEnumerable<ConformanceCase> All(Profile profile, Capabilities capabilities)
    {
        long largest = Math.Min(profile == Profile.Quick ? QuickLargest : FullLargest, capabilities.LargestBuffer);
        foreach (long bytes in (long[])[1, 2, 3, 63, 64, 65, 4095, 4096, 4097, 1_000_003, largest])
        {
            foreach (MemoryKind kind in Enum.GetValues<MemoryKind>())
            {
                yield return new RuntimeCase($"buffer/{KindName(kind)}/{bytes}", bench => HoldsBytes(bench, kind, bytes));
            }
        }

        yield return new RuntimeCase("buffer/alignment", Alignment);
        yield return new RuntimeCase("buffer/apart", ManyLieApart);
        yield return new RuntimeCase("buffer/many-in-any-order", ReleasedInAnyOrder);
        yield return new RuntimeCase("buffer/out-of-memory", OutOfMemory);
    }

    public static string KindName(MemoryKind kind) => kind == MemoryKind.Device ? "device" : "pinned";

    private static void HoldsBytes(RuntimeBench bench, MemoryKind kind, long bytes)
    {
        IBuffer buffer = bench.Allocate(kind, bytes);
        Require(buffer.Bytes >= bytes, $"the buffer says that it has {buffer.Bytes} bytes");
        Require(kind == MemoryKind.Device || buffer.HostAddress != 0, "pinned host memory has no host address");
        byte[] pattern = bench.Pattern(bytes);
        IBuffer source = bench.Pinned(bytes);
        pattern.CopyTo(HostBytes(source));
        IBuffer back = bench.Pinned(bytes);
        HostBytes(back).Fill(0xEE);
        Ok(bench.Stream.Copy(buffer, 0, source, 0, bytes), "copy in");
        Ok(bench.Stream.Copy(back, 0, buffer, 0, bytes), "copy out");
        Ok(bench.Stream.Synchronize(), "synchronize");
        SameBytes(pattern, HostBytes(back)[..(int)bytes], $"a buffer of {bytes} bytes");
    }

    private static void Alignment(RuntimeBench bench)
    {
        int alignment = bench.Capabilities.Alignment;
        Require(alignment > 0 && (alignment & (alignment - 1)) == 0, $"the alignment {alignment} is no power of two");
        for (int bytes = 1; bytes < 300; bytes += 7)
        {
            foreach (MemoryKind kind in Enum.GetValues<MemoryKind>())
            {
                nint address = bench.Allocate(kind, bytes).HostAddress;
                Require(address % alignment == 0, $"{KindName(kind)} memory of {bytes} bytes is not aligned to {alignment}");
            }
        }
    }

    private static void ManyLieApart(RuntimeBench bench)
    {
        const int Count = 64;
        const int Bytes = 1021;
        byte[][] patterns = [.. Enumerable.Range(0, Count).Select(i => bench.Pattern(Bytes, i))];
        IBuffer[] buffers = [.. patterns.Select(p => bench.Upload(p))];
        for (int i = 0; i < Count; i++)
        {
            SameBytes(patterns[i], bench.Download(buffers[i]).AsSpan(0, Bytes), $"buffer {i} of {Count}, after all were written");
        }
    }

    private static void ReleasedInAnyOrder(RuntimeBench bench)
    {
        IBuffer?[] buffers = new IBuffer?[50];
        byte[] order = bench.Pattern(1000);
        for (int i = 0; i < order.Length; i++)
        {
            int at = order[i] % buffers.Length;
            buffers[at]?.Dispose();
            MemoryKind kind = (i & 1) == 0 ? MemoryKind.Device : MemoryKind.PinnedHost;
            Ok(bench.Device.Allocate(kind, 1 + (order[i] * 37), out buffers[at]), "allocate");
        }

        Array.ForEach(buffers, b => b?.Dispose());
        SameBytes(order, bench.Download(bench.Upload(order)).AsSpan(0, order.Length), "a buffer made after many were released");
    }

    private static void OutOfMemory(RuntimeBench bench)
    {
        // No machine has 2^50 bytes; the other is what a size that was not checked becomes.
        foreach (long bytes in (long[])[1L << 50, long.MaxValue - 4096])
        {
            Status status = bench.Device.Allocate(MemoryKind.Device, bytes, out IBuffer? buffer);
            buffer?.Dispose();
            Refused(status, $"allocate {bytes} bytes", StatusCode.OutOfMemory);
            Require(buffer is null, "an allocation that failed gave a buffer");
        }

        byte[] pattern = bench.Pattern(4096);
        SameBytes(pattern, bench.Download(bench.Upload(pattern)), "the device after an allocation that failed");
    }
}
