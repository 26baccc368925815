using System.Diagnostics;
using HeteroQwen.Backends;
using HeteroQwen.Conformance.Verdicts;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops;

/// <summary>One op on one set of operands, judged through the contract alone.</summary>
public sealed class OpCase(string id, OpSpec spec, Precision precision) : ConformanceCase
{
    private const byte NaNs = 0xFF;
    private const byte OtherGarbage = 0xCD;

    public override string Id => id;

    public override CaseKind Kind => CaseKind.Op;

    public override string Op => spec.Op.Name;

    public override Precision? Precision => precision;

    public override (bool Dense, bool Moe) Occurs => spec.Occurs;

    /// <summary>The op and its operands.</summary>
    public OpSpec Spec => spec;

    /// <summary>The operands for a seed.</summary>
    public OpTensor[] Operands(long seed) => spec.Make(new CaseRandom(id[..id.LastIndexOf('/')], seed));

    public override CaseResult Run(CaseContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var clock = Stopwatch.StartNew();
        CaseResult result;
        try
        {
            result = Run(context.Device.Handle, context.Seed);
        }
        catch (RefusedException e)
        {
            result = new CaseResult(id, CaseStatus.Fail, e.Message);
        }

        return result with { Seconds = clock.Elapsed.TotalSeconds };
    }

    private CaseResult Run(IDevice device, long seed)
    {
        OpTensor[] operands = Operands(seed);
        OpDescriptor descriptor = ContractRun.Describe(spec.Op, operands, spec.Attributes, spec.Bindings, precision);
        if (Claims.Refusal(device, spec, operands, descriptor) is { } refusal)
        {
            return new CaseResult(id, CaseStatus.Unsupported, refusal);
        }

        byte[][][] runs;
        try
        {
            runs = Launches(device, descriptor, operands);
        }
        catch (Exception e) when (e is not RefusedException)
        {
            // No member of a device throws, by the contract; what it throws is its failure and not the suite's.
            throw new RefusedException($"the device threw {e.GetType().Name}: {e.Message}");
        }

        if (device.Capabilities.Determinism >= Determinism.RunToRun && Difference(descriptor, runs) is { } difference)
        {
            return new CaseResult(id, CaseStatus.Fail, difference);
        }

        return Judged(device.Capabilities, descriptor, operands, runs);
    }

    private byte[][][] Launches(IDevice device, OpDescriptor descriptor, OpTensor[] operands)
    {
        using ContractRun run = new(device, spec.Op, descriptor, operands, spec.Bindings);
        List<byte[][]> runs = [run.Launch(NaNs, false), run.Launch(OtherGarbage, false)];
        if (run.CanRunInPlace)
        {
            runs.Add(run.Launch(NaNs, true));
        }

        return [.. runs];
    }

    private static string? Difference(OpDescriptor descriptor, byte[][][] runs)
    {
        for (int run = 1; run < runs.Length; run++)
        {
            for (int result = 0; result < runs[0].Length; result++)
            {
                if (!runs[run][result].AsSpan().SequenceEqual(runs[0][result]) && !SameButNaN(descriptor.Results[result].Element, runs[run][result], runs[0][result]))
                {
                    return $"result {result} of the {(run == 1 ? "same launch with other garbage in results and workspace" : "launch in place")} "
                        + "has other bits, and the device declares itself deterministic";
                }
            }
        }

        return null;
    }

    private static bool SameButNaN(ElementType type, byte[] left, byte[] right) =>
        !type.IsQuantized() && ElementCodec.Decode(type, left).AsSpan().SequenceEqual(ElementCodec.Decode(type, right));

    private CaseResult Judged(Capabilities capabilities, OpDescriptor descriptor, OpTensor[] operands, byte[][][] runs)
    {
        Question question = new(spec.Op, spec.Attributes, spec.Bindings, [.. operands.Select(o => o.ToPlain(spec.Bindings))], spec.IsProbe);
        Judge judge = new(question, capabilities, precision);
        bool same = capabilities.Determinism >= Determinism.RunToRun;
        List<Verdict> verdicts = [];
        foreach (byte[][] run in same ? runs.Take(1) : runs)
        {
            verdicts.AddRange(judge.Run([.. run.Select((bytes, i) => ElementCodec.Decode(descriptor.Results[i].Element, bytes))]));
        }

        Verdict worst = verdicts.MaxBy(v => v.Metrics.Worst)!;
        Verdict? mistrusted = verdicts.FirstOrDefault(v => v.Mistrusted is not null);
        CaseStatus status = verdicts.Any(v => !v.Passes) ? CaseStatus.Fail : mistrusted is not null ? CaseStatus.Mistrusted : CaseStatus.Pass;
        worst = verdicts.FirstOrDefault(v => !v.Passes) ?? worst;
        string? reason = status == CaseStatus.Mistrusted ? mistrusted!.Mistrusted : worst.Reason;
        return new CaseResult(id, status, reason) { Metrics = worst.Metrics, Errors = worst.Errors };
    }
}
