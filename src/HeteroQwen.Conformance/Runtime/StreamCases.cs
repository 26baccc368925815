using HeteroQwen.Backends;
using static HeteroQwen.Conformance.RuntimeBench;

namespace HeteroQwen.Conformance;

/// <summary>Streams are in order, tickets tell how far they are, and any thread may call as long as one does at a time.</summary>
internal static class StreamCases
{
    private const int Rows = 32;

    public static IEnumerable<ConformanceCase> All() =>
    [
        new RuntimeCase("stream/order-of-copies", CopiesKeepTheirOrder),
        new RuntimeCase("stream/order-of-launches", LaunchesKeepTheirOrder),
        new RuntimeCase("stream/tickets", Tickets),
        new RuntimeCase("stream/synchronize-idle", SynchronizeIdle),
        new RuntimeCase("stream/two", TwoStreams),
        new RuntimeCase("stream/threads-in-turn", ThreadsInTurn),
    ];

    private static void CopiesKeepTheirOrder(RuntimeBench bench)
    {
        const int Count = 200;
        const int Bytes = 4099;
        IBuffer[] sources = [.. Enumerable.Range(0, 4).Select(i => bench.Upload(bench.Pattern(Bytes, i)))];
        IBuffer middle = bench.Allocate(MemoryKind.Device, Bytes);
        IBuffer last = bench.Allocate(MemoryKind.Device, Bytes);
        for (int i = 0; i < Count; i++)
        {
            Ok(bench.Stream.Copy(middle, 0, sources[i % 4], 0, Bytes), "copy");
            Ok(bench.Stream.Copy(last, 0, middle, 0, Bytes), "copy");
        }

        SameBytes(bench.Pattern(Bytes, (Count - 1) % 4), bench.Download(last).AsSpan(0, Bytes), $"the end of a chain of {2 * Count} copies");
    }

    private static string? LaunchesKeepTheirOrder(RuntimeBench bench)
    {
        if (ProbeKernel.Of(bench) is not { } probe)
        {
            return ProbeKernel.None;
        }

        IBuffer x = bench.Allocate(MemoryKind.Device, probe.Bytes(Rows));
        IBuffer y = bench.Allocate(MemoryKind.Device, probe.Bytes(Rows));
        IBuffer? workspace = probe.WorkspaceFor(Rows);
        const int Count = 50;
        IBuffer[] staged = [.. Enumerable.Range(0, Count).Select(_ => bench.Pinned(probe.Bytes(Rows)))];
        IBuffer[] back = [.. Enumerable.Range(0, Count).Select(_ => bench.Pinned(probe.Bytes(Rows)))];
        for (int i = 0; i < Count; i++)
        {
            probe.Input(Rows, i).CopyTo(HostBytes(staged[i]));
            Ok(bench.Stream.Copy(x, 0, staged[i], 0, probe.Bytes(Rows)), "copy in");
            Ok(probe.Launch(bench.Stream, x, y, Rows, workspace), "launch");
            Ok(bench.Stream.Copy(back[i], 0, y, 0, probe.Bytes(Rows)), "copy out");
        }

        Ok(bench.Stream.Synchronize(), "synchronize");
        for (int i = 0; i < Count; i++)
        {
            probe.Check(HostBytes(staged[i]), HostBytes(back[i]), Rows, $"step {i} of {Count} that were enqueued at once");
        }

        return null;
    }

    private static void Tickets(RuntimeBench bench)
    {
        IBuffer source = bench.Upload(bench.Pattern(1 << 20));
        IBuffer back = bench.Pinned(1 << 20);
        ulong before = 0;
        for (int i = 0; i < 20; i++)
        {
            HostBytes(back).Clear();
            Ok(bench.Stream.Copy(back, 0, source, 0, 1 << 20), "copy");
            Ok(bench.Stream.Record(out ulong ticket), "record");
            Require(ticket > before, $"ticket {ticket} came after {before}");
            before = ticket;
            Ok(bench.Stream.Query(ticket, out _), "query");
            Ok(bench.Stream.Wait(ticket), "wait");
            SameBytes(bench.Pattern(1 << 20), HostBytes(back)[..(1 << 20)], "what was copied before a ticket that was waited for");
            Ok(bench.Stream.Query(ticket, out bool complete), "query");
            Require(complete, "a ticket that was waited for is not complete");
            Ok(bench.Stream.Wait(ticket), "wait a second time");
        }
    }

    private static void SynchronizeIdle(RuntimeBench bench)
    {
        for (int i = 0; i < 3; i++)
        {
            Ok(bench.Stream.Synchronize(), "synchronize an idle stream");
        }
    }

    private static void TwoStreams(RuntimeBench bench)
    {
        IStream[] streams = [bench.NewStream(), bench.NewStream()];
        const int Bytes = 65537;
        IBuffer[] buffers = [.. Enumerable.Range(0, 2).Select(_ => bench.Allocate(MemoryKind.Device, Bytes))];
        for (int round = 0; round < 20; round++)
        {
            IBuffer[] staged = [.. Enumerable.Range(0, 2).Select(_ => bench.Pinned(Bytes))];
            IBuffer[] back = [.. Enumerable.Range(0, 2).Select(_ => bench.Pinned(Bytes))];
            for (int i = 0; i < 2; i++)
            {
                bench.Pattern(Bytes, (2 * round) + i).CopyTo(HostBytes(staged[i]));
                Ok(streams[i].Copy(buffers[i], 0, staged[i], 0, Bytes), "copy");
                Ok(streams[i].Copy(back[i], 0, buffers[i], 0, Bytes), "copy");
            }

            for (int i = 1; i >= 0; i--)
            {
                Ok(streams[i].Synchronize(), "synchronize");
                SameBytes(bench.Pattern(Bytes, (2 * round) + i), HostBytes(back[i])[..Bytes], $"stream {i} of two");
            }
        }
    }

    private static void ThreadsInTurn(RuntimeBench bench)
    {
        ProbeKernel? probe = ProbeKernel.Of(bench);
        IBuffer? workspace = probe?.WorkspaceFor(Rows);
        for (int i = 0; i < 16; i++)
        {
            Exception? thrown = null;
            int salt = i;
            Thread thread = new(() =>
            {
                try
                {
                    FromThisThread(bench, probe, workspace, salt);
                }
                catch (Exception e)
                {
                    thrown = e;
                }
            });
            thread.Start();
            thread.Join();
            Require(thrown is null, $"thread {i} of 16 that call in turn: {thrown?.Message}");
        }
    }

    private static void FromThisThread(RuntimeBench bench, ProbeKernel? probe, IBuffer? workspace, int salt)
    {
        byte[] pattern = bench.Pattern(10007, salt);
        SameBytes(pattern, bench.Download(bench.Upload(pattern)).AsSpan(0, pattern.Length), "a buffer");
        if (probe is not null)
        {
            byte[] input = probe.Input(Rows, salt);
            IBuffer y = bench.Allocate(MemoryKind.Device, probe.Bytes(Rows));
            Ok(probe.Launch(bench.Stream, bench.Upload(input), y, Rows, workspace), "launch");
            probe.Check(input, bench.Download(y), Rows, "a launch");
        }
    }
}
