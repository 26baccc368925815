using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using static HeteroQwen.Conformance.RuntimeBench;

namespace HeteroQwen.Conformance;

/// <summary>Copies in all directions with odd offsets and sizes, and the optional fill.</summary>
internal static class CopyCases
{
    private const int Length = 8209;

    private static readonly (int From, int To, int Bytes)[] s_pieces =
    [
        (0, 0, Length), (0, 0, 1), (1, 0, 1), (0, 1, 1), (Length - 1, 0, 1), (0, Length - 1, 1), (3, 5, 7), (1, 2, 4095), (64, 63, 65),
        (4097, 11, 4099), (13, 4096, 4096), (7, 7, 33),
    ];

    public static IEnumerable<ConformanceCase> All()
    {
        foreach (MemoryKind to in Enum.GetValues<MemoryKind>())
        {
            foreach (MemoryKind from in Enum.GetValues<MemoryKind>())
            {
                foreach ((int start, int end, int bytes) in s_pieces)
                {
                    string name = $"copy/{BufferCases.KindName(from)}-{BufferCases.KindName(to)}/{start}-{end}-{bytes}";
                    yield return new RuntimeCase(name, bench => Piece(bench, from, to, start, end, bytes));
                }
            }
        }

        yield return new RuntimeCase("copy/within", Within);
        yield return new RuntimeCase("copy/out-of-bounds", OutOfBounds);
        yield return new RuntimeCase("fill/words", Fill);
    }

    private static void Piece(RuntimeBench bench, MemoryKind from, MemoryKind to, int start, int end, int bytes)
    {
        (byte[] source, byte[] target) = (bench.Pattern(Length, 1), bench.Pattern(Length, 2));
        IBuffer a = Holding(bench, from, source);
        IBuffer b = Holding(bench, to, target);
        Ok(bench.Stream.Copy(b, end, a, start, bytes), $"copy {bytes} bytes from {start} to {end}");
        Ok(bench.Stream.Synchronize(), "synchronize");
        source.AsSpan(start, bytes).CopyTo(target.AsSpan(end));
        SameBytes(target, bench.Download(b).AsSpan(0, Length), "the destination");
        SameBytes(source, bench.Download(a).AsSpan(0, Length), "the source");
    }

    private static void Within(RuntimeBench bench)
    {
        byte[] expected = bench.Pattern(Length);
        IBuffer buffer = Holding(bench, MemoryKind.Device, expected);
        Ok(bench.Stream.Copy(buffer, 5001, buffer, 17, 3001), "copy within a buffer");
        expected.AsSpan(17, 3001).CopyTo(expected.AsSpan(5001));
        SameBytes(expected, bench.Download(buffer).AsSpan(0, Length), "a buffer of which a part was copied to another");
    }

    private static void OutOfBounds(RuntimeBench bench)
    {
        byte[] pattern = bench.Pattern(Length);
        IBuffer a = Holding(bench, MemoryKind.Device, pattern);
        IBuffer b = Holding(bench, MemoryKind.Device, pattern);
        foreach ((long to, long from, long bytes) in (ReadOnlySpan<(long, long, long)>)
            [(b.Bytes, 0, 1), (0, a.Bytes, 1), (0, 0, a.Bytes + 1), (-1, 0, 4), (0, -1, 4), (1, 1, long.MaxValue), (0, 0, -1)])
        {
            Refused(bench.Stream.Copy(b, to, a, from, bytes), $"copy of {bytes} bytes from {from} to {to} between buffers of {a.Bytes}");
        }

        SameBytes(pattern, bench.Download(b).AsSpan(0, Length), "a buffer after copies that were refused");
    }

    /// <summary>Fill is optional, and what offers it does it rightly.</summary>
    private static string? Fill(RuntimeBench bench)
    {
        byte[] expected = bench.Pattern(4096);
        IBuffer buffer = Holding(bench, MemoryKind.Device, expected);
        Status status = bench.Stream.Fill(buffer, 12, 1000, 0x7FC0ABCD);
        if (status.Code == StatusCode.Unsupported)
        {
            Refused(status, "fill");
            return "fill is not offered; the runtime copies instead";
        }

        Ok(status, "fill");
        MemoryMarshal.Cast<byte, uint>(expected.AsSpan(12, 1000)).Fill(0x7FC0ABCD);
        SameBytes(expected, bench.Download(buffer).AsSpan(0, expected.Length), "a buffer of which 250 words were filled");
        Refused(bench.Stream.Fill(buffer, 4092, 8, 0), "fill beyond the end");
        return null;
    }

    private static IBuffer Holding(RuntimeBench bench, MemoryKind kind, byte[] bytes)
    {
        if (kind == MemoryKind.Device)
        {
            return bench.Upload(bytes);
        }

        IBuffer pinned = bench.Pinned(bytes.Length);
        bytes.CopyTo(HostBytes(pinned));
        return pinned;
    }
}
