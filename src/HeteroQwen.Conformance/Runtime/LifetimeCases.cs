using System.Diagnostics;
using HeteroQwen.Backends;
using static HeteroQwen.Conformance.RuntimeBench;

namespace HeteroQwen.Conformance;

/// <summary>Handles: use after release is refused, a second release is harmless, and nothing leaks.</summary>
internal static class LifetimeCases
{
    private const long LeakBytes = 64 << 10;

    /// <summary>What the process may grow by in a round, noise of the heap included: far below a buffer.</summary>
    private const long MostGrowth = 4096;

    public static IEnumerable<ConformanceCase> All(Profile profile)
    {
        int rounds = profile == Profile.Quick ? 1000 : 5000;
        return
        [
            new RuntimeCase("lifetime/copy-after-release", CopyAfterRelease),
            new RuntimeCase("lifetime/launch-after-release", LaunchAfterRelease),
            new RuntimeCase("lifetime/released-twice", ReleasedTwice),
            new RuntimeCase($"leak/buffers/{rounds}", bench => Steady(rounds, () => OneBuffer(bench))),
            new RuntimeCase($"leak/streams/{rounds}", bench => Steady(rounds, () => OneStream(bench))),
            new RuntimeCase($"leak/kernels/{rounds}", bench => Kernels(bench, rounds)),
        ];
    }

    private static void CopyAfterRelease(RuntimeBench bench)
    {
        IBuffer gone = bench.Allocate(MemoryKind.Device, 4096);
        IBuffer alive = bench.Upload(bench.Pattern(4096));
        gone.Dispose();
        Refused(bench.Stream.Copy(gone, 0, alive, 0, 4096), "copy to a buffer that was released");
        Refused(bench.Stream.Copy(alive, 0, gone, 0, 4096), "copy from a buffer that was released");
        SameBytes(bench.Pattern(4096), bench.Download(alive), "a buffer after copies that were refused");
    }

    private static string? LaunchAfterRelease(RuntimeBench bench)
    {
        if (ProbeKernel.Of(bench) is not { } probe)
        {
            return ProbeKernel.None;
        }

        IBuffer x = bench.Upload(probe.Input(4, 0));
        IBuffer y = bench.Allocate(MemoryKind.Device, probe.Bytes(4));
        IBuffer? workspace = probe.WorkspaceFor(4);
        IBuffer gone = bench.Allocate(MemoryKind.Device, probe.Bytes(4));
        gone.Dispose();
        Refused(probe.Launch(bench.Stream, gone, y, 4, workspace), "launch on an operand that was released");
        probe.Kernel.Dispose();
        Refused(probe.Launch(bench.Stream, x, y, 4, workspace), "launch of a kernel that was released");
        Ok(bench.Stream.Synchronize(), "synchronize after launches that were refused");
        return null;
    }

    private static void ReleasedTwice(RuntimeBench bench)
    {
        foreach (MemoryKind kind in Enum.GetValues<MemoryKind>())
        {
            IBuffer buffer = bench.Allocate(kind, 1 << 16);
            buffer.Dispose();
            IBuffer next = bench.Allocate(kind, 1 << 16);
            buffer.Dispose();
            byte[] pattern = bench.Pattern(1 << 16);
            IBuffer source = bench.Upload(pattern);
            Ok(bench.Stream.Copy(next, 0, source, 0, 1 << 16), "copy to a buffer made after another was released twice");
            SameBytes(pattern, bench.Download(next), "a buffer made after another was released twice");
        }

        IStream stream = bench.NewStream();
        stream.Dispose();
        stream.Dispose();
        if (ProbeKernel.Choose(bench) is { } op)
        {
            IKernel kernel = ProbeKernel.Prepare(bench, op);
            kernel.Dispose();
            kernel.Dispose();
        }

        Ok(bench.Stream.Synchronize(), "synchronize after double releases");
    }

    private static void OneBuffer(RuntimeBench bench)
    {
        foreach (MemoryKind kind in Enum.GetValues<MemoryKind>())
        {
            Ok(bench.Device.Allocate(kind, LeakBytes, out IBuffer? buffer), "allocate");
            Touch(buffer!);
            buffer!.Dispose();
        }
    }

    private static void OneStream(RuntimeBench bench)
    {
        Ok(bench.Device.CreateStream(out IStream? stream), "create stream");
        Ok(stream!.Record(out ulong ticket), "record");
        Ok(stream.Wait(ticket), "wait");
        stream.Dispose();
    }

    private static string? Kernels(RuntimeBench bench, int rounds)
    {
        if (ProbeKernel.Choose(bench) is not { } op)
        {
            return ProbeKernel.None;
        }

        Steady(rounds, () =>
        {
            using RuntimeBench round = bench.Another();
            round.Own(ProbeKernel.Prepare(round, op));
        });
        return null;
    }

    /// <summary>Pages that were never written to cost nothing, and so would a leak of them.</summary>
    private static unsafe void Touch(IBuffer buffer)
    {
        for (long at = 0; buffer.HostAddress != 0 && at < buffer.Bytes; at += 4096)
        {
            ((byte*)buffer.HostAddress)[at] = 1;
        }
    }

    /// <summary>Runs as many rounds for warmth, then measures.</summary>
    private static void Steady(int rounds, Action round)
    {
        // A leak grows every time; what else the process does now and then does not. The first time fills caches.
        long least = long.MaxValue;
        for (int window = 0; window < 4 && least >= MostGrowth * rounds; window++)
        {
            long before = Resident();
            for (int i = 0; i < rounds; i++)
            {
                round();
            }

            least = window == 0 ? least : Math.Min(least, Resident() - before);
        }

        Require(least < MostGrowth * rounds, $"in each {rounds} more rounds the process grows by {least} bytes or more");
    }

    private static long Resident()
    {
        using Process self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }
}
