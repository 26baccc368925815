using HeteroQwen.Backends;
using HeteroQwen.Ir;
using static HeteroQwen.Conformance.RuntimeBench;

namespace HeteroQwen.Conformance;

/// <summary>Launches: bindings, offsets, the bounds of results and workspace, and what is refused.</summary>
internal static class LaunchCases
{
    public static IEnumerable<ConformanceCase> All() =>
    [
        new RuntimeCase("launch/any-bindings", AnyBindings),
        new RuntimeCase("launch/offsets", Offsets),
        new RuntimeCase("launch/beyond-maxima", BeyondMaxima),
        new RuntimeCase("launch/wrong-arguments", WrongArguments),
        .. WorkspaceOps.All.Select(op => new RuntimeCase($"workspace/monotone/{op.Name}/{op.Operands[^1].Element.Name()}", bench => Monotone(bench, op))),
        new RuntimeCase("workspace/bounds", WorkspaceBounds),
    ];

    /// <summary>One kernel for every binding up to the maxima, in no order; what lies behind the result stays as it is.</summary>
    private static string? AnyBindings(RuntimeBench bench)
    {
        if (ProbeKernel.Of(bench) is not { } probe)
        {
            return ProbeKernel.None;
        }

        foreach (int rows in (int[])[1, ProbeKernel.MostRows, 2, 31, 3, 32, 33, 1, ProbeKernel.MostRows - 1])
        {
            byte[] input = probe.Input(rows, rows);
            byte[] poison = new byte[probe.Bytes(rows) + 4096];
            Array.Fill(poison, (byte)0xFF);
            IBuffer y = bench.Upload(poison);
            Ok(probe.Launch(bench.Stream, bench.Upload(input), y, rows, probe.WorkspaceFor(rows)), $"launch of {rows} rows");
            byte[] result = bench.Download(y);
            probe.Check(input, result, rows, $"{rows} rows");
            bool intact = !result.AsSpan((int)probe.Bytes(rows), 4096).ContainsAnyExcept((byte)0xFF);
            Require(intact, $"a launch of {rows} rows wrote behind its result");
        }

        return null;
    }

    private static string? Offsets(RuntimeBench bench)
    {
        if (ProbeKernel.Of(bench) is not { } probe)
        {
            return ProbeKernel.None;
        }

        const int Rows = 5;
        int alignment = Math.Max(4, bench.Capabilities.Alignment);
        long bytes = probe.Bytes(Rows);
        byte[] input = probe.Input(Rows, 9);
        foreach (long offset in (long[])[alignment, 3L * alignment, 100L * alignment])
        {
            byte[] shifted = new byte[offset + bytes];
            Array.Fill(shifted, (byte)0xFF);
            input.CopyTo(shifted, offset);
            IBuffer y = bench.Allocate(MemoryKind.Device, bytes + (2 * offset));
            Argument[] arguments = probe.Arguments(bench.Upload(shifted), offset, y, 2 * offset);
            Status status = bench.Stream.Launch(probe.Kernel, ProbeKernel.BindingsOf(Rows), arguments, probe.WorkspaceFor(Rows), 0);
            Ok(status, $"launch with arguments at byte {offset} and {2 * offset}");
            probe.Check(input, bench.Download(y).AsSpan((int)(2 * offset)), Rows, $"arguments at byte {offset} and {2 * offset}");
        }

        return null;
    }

    private static string? BeyondMaxima(RuntimeBench bench)
    {
        if (ProbeKernel.Of(bench) is not { } probe)
        {
            return ProbeKernel.None;
        }

        int rows = ProbeKernel.MostRows + 1;
        IBuffer x = bench.Allocate(MemoryKind.Device, 2 * probe.Bytes(rows));
        IBuffer y = bench.Allocate(MemoryKind.Device, 2 * probe.Bytes(rows));
        Status status = probe.Launch(bench.Stream, x, y, rows, bench.Allocate(MemoryKind.Device, 1 << 20));
        _ = bench.Stream.Synchronize();
        if (status.IsOk)
        {
            return "bindings beyond the maxima are not checked; the runtime never gives any";
        }

        Refused(status, "launch beyond the maxima");
        return null;
    }

    private static string? WrongArguments(RuntimeBench bench)
    {
        if (ProbeKernel.Of(bench) is not { } probe)
        {
            return ProbeKernel.None;
        }

        const int Rows = 4;
        byte[] input = probe.Input(Rows, 0);
        IBuffer x = bench.Upload(input);
        IBuffer y = bench.Allocate(MemoryKind.Device, probe.Bytes(Rows));
        IBuffer? workspace = probe.WorkspaceFor(Rows);
        Bindings bindings = ProbeKernel.BindingsOf(Rows);
        (string What, Argument[] Arguments)[] wrong =
        [
            ("no arguments", []),
            ("an operand without a buffer", probe.Arguments(null, 0, y, 0)),
            ("a result beyond its buffer", probe.Arguments(x, 0, y, y.Bytes)),
            ("a negative offset", probe.Arguments(x, -64, y, 0)),
        ];
        string[] taken =
            [.. wrong.Where(w => bench.Stream.Launch(probe.Kernel, bindings, w.Arguments, workspace, 0).IsOk).Select(w => w.What)];
        Ok(bench.Stream.Synchronize(), "synchronize after launches that were refused");
        Ok(probe.Launch(bench.Stream, x, y, Rows, workspace), "launch after others were refused");
        probe.Check(input, bench.Download(y), Rows, "a launch after others were refused");
        return taken.Length == 0 ? null : $"not checked by the device: {string.Join(", ", taken)}";
    }

    private static string? Monotone(RuntimeBench bench, OpDescriptor op)
    {
        if (WorkspaceOps.Offer(bench, op) is not { } offered)
        {
            return $"the device does not run {op.Name} of this shape";
        }

        IKernel kernel = bench.Own(WorkspaceOps.Prepare(bench, offered));
        long Ask(Bindings bindings)
        {
            Ok(kernel.Workspace(bindings, out long bytes), $"workspace for {bindings}");
            Require(bytes >= 0, $"workspace of {bytes} bytes for {bindings}");
            return bytes;
        }

        Bindings maxima = offered.Maxima;
        Func<long, Bindings>[] axes =
        [
            v => maxima with { T = v }, v => maxima with { N = v }, v => maxima with { B = v },
            v => new Bindings(v, v, Math.Min(v, maxima.B), 1),
        ];
        foreach (Func<long, Bindings> axis in axes)
        {
            long last = 0;
            for (long value = 1; axis(value).Within(maxima); value++)
            {
                long bytes = Ask(axis(value));
                Require(bytes >= last, $"{op.Name}: {bytes} bytes of workspace for {axis(value)}, and {last} for one less");
                last = bytes;
            }

            Require(last <= Ask(maxima), $"{op.Name}: the workspace for the maxima is not the largest");
        }

        return null;
    }

    /// <summary>A launch that is given just what it asked for leaves alone what lies before and behind.</summary>
    private static string? WorkspaceBounds(RuntimeBench bench)
    {
        if (ProbeKernel.Of(bench) is not { } probe)
        {
            return ProbeKernel.None;
        }

        const int Rows = 17;
        Bindings bindings = ProbeKernel.BindingsOf(Rows);
        Ok(probe.Kernel.Workspace(bindings, out long bytes), "workspace");
        int guard = Math.Max(256, bench.Capabilities.Alignment);
        byte[] image = new byte[bytes + (2 * guard)];
        Array.Fill(image, (byte)0xFF);
        byte[] input = probe.Input(Rows, 3);
        IBuffer workspace = bench.Upload(image);
        IBuffer y = bench.Allocate(MemoryKind.Device, probe.Bytes(Rows));
        Argument[] arguments = probe.Arguments(bench.Upload(input), 0, y, 0);
        Ok(bench.Stream.Launch(probe.Kernel, bindings, arguments, bytes == 0 ? null : workspace, bytes == 0 ? 0 : guard), "launch");
        probe.Check(input, bench.Download(y), Rows, "a launch with a workspace full of NaN");
        ReadOnlySpan<byte> after = bench.Download(workspace);
        bool intact = !after[..guard].ContainsAnyExcept((byte)0xFF) && !after.Slice(guard + (int)bytes, guard).ContainsAnyExcept((byte)0xFF);
        Require(intact, $"a launch wrote outside its workspace of {bytes} bytes");
        return null;
    }
}
