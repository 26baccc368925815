using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>Finds the first op of a model that a device gets wrong.</summary>
/// <param name="model">The model.</param>
/// <param name="device">The device.</param>
/// <param name="reference">The device to trust; it is also the host, where the options allow one.</param>
/// <param name="options">Precision, cache type and consent.</param>
public sealed class Bisector(IModelSource model, Device device, Device reference, EngineOptions options)
{
    /// <summary>Tokens of the prefill; three more are run one by one.</summary>
    public const int Prefill = 13;

    public const int Decoded = 3;

    /// <summary>A step takes 512 tokens at the most.</summary>
    private const int LongestPrefill = 500;

    /// <summary>A case with more operand bytes is not saved.</summary>
    private const long MostSaved = 256L << 20;

    /// <summary>
    /// Each op with all blocks opened, then the blocks that the device keeps, on a short text; then the model's logits of one that goes
    /// over the end of a page. Where only these are wrong, each op again on the longer text.
    /// </summary>
    /// <param name="saveAs">Given the op's name: the file for the case.</param>
    /// <param name="progress">Is told of each op: the step, and the op's name in the graph.</param>
    /// <param name="cancellation">Ends the run between ops.</param>
    /// <exception cref="UserErrorException">The model cannot be opened on the device.</exception>
    public BisectReport Run(Func<string, string> saveAs, Action<int, string> progress, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(saveAs);
        ArgumentNullException.ThrowIfNull(progress);
        int[] text = FixedText.Ids(model, Prefill + Decoded);
        BisectReport report = Walk(text, Math.Max(1, text.Length - Decoded), saveAs, progress, cancellation);
        if (report.Fault is not null)
        {
            return report;
        }

        int page = Math.Min(device.Capabilities.PageSize, LongestPrefill);
        int[] longer = FixedText.Ids(model, page + Decoded);
        string? logits = WholeModel(longer);
        if (logits is null)
        {
            return report;
        }

        BisectReport again = Walk(longer, Math.Max(1, Math.Min(page, longer.Length) - 2), saveAs, progress, cancellation);
        return again with { Compared = report.Compared + again.Compared, LogitsFault = again.Fault is null ? logits : null };
    }

    private BisectReport Walk(
        int[] tokens, int prefill, Func<string, string> saveAs, Action<int, string> progress, CancellationToken cancellation)
    {
        int compared = 0;
        IReadOnlyList<string> onHost = [];
        foreach (bool fuse in (bool[])[false, true])
        {
            using Bisection bisection = new(
                model, device, options.AllowHostFallback ? reference : null,
                options with { Fuse = fuse, Context = tokens.Length, AllRows = true }, tokens, prefill);
            if (fuse && !bisection.HasBlocks)
            {
                continue;
            }

            Divergence? divergence = bisection.Run((step, operation) => progress(step, operation.Results[0].Name), cancellation);
            compared += bisection.Compared;
            onHost = fuse ? onHost : bisection.OnHost;
            if (divergence is not null)
            {
                return new BisectReport(compared, onHost, Report(divergence, saveAs), null);
            }
        }

        return new BisectReport(compared, onHost, null, null);
    }

    private BisectFault Report(Divergence divergence, Func<string, string> saveAs)
    {
        (SingleOp op, OpFault? fault) = (divergence.Op, divergence.Fault);
        if (fault is not null)
        {
            (op, fault) = new Shrinker(device).Shrink(op, fault);
        }

        string line = GraphPrinter.PrintOperation(divergence.Operation);
        string? path = op.Operands.Sum(o => o.Source?.Bytes ?? o.Data.Length) <= MostSaved ? saveAs(op.Op.Name) : null;
        if (path is not null)
        {
            CaseFile.Write(path, op, [("device", device.Id), ("model", model.Name), ("step", $"{divergence.Step}"), ("op", line)], fault, device.Capabilities);
        }

        OpFault? first = divergence.Fault;
        return new BisectFault(
            divergence.Step, line, first?.Verdict.Reason ?? divergence.Failure!, first?.Result ?? 0, first?.Index ?? [], first?.Got ?? 0,
            first?.Expected ?? 0, first?.Verdict.Metrics.Bound ?? "")
        {
            Smallest = op.Line,
            Bindings = op.Bindings,
            SmallestReason = fault?.Verdict.Reason ?? divergence.Failure!,
            CaseFile = path,
        };
    }

    /// <summary>What is wrong with the logits of the model as it is usually run; null if nothing is.</summary>
    private string? WholeModel(int[] tokens)
    {
        EngineOptions whole = options with { Context = tokens.Length, AllRows = true };
        using Engine engine = Engine.Open(model, device, options.AllowHostFallback ? reference : null, whole);
        using Engine trusted = Engine.Open(model, reference, null, new EngineOptions { Precision = Precision.Exact, Context = tokens.Length, AllRows = true });
        double[][] truth = [.. new ModelRun(trusted).Logits(tokens).Select(r => Array.ConvertAll(r, v => (double)v))];
        LogitsBound bound = LogitsBound.Rounded(device.Capabilities, options.Precision, engine.KvType, model.Config.IsMoe);

        // Single tokens first: a kernel may keep what it should take from each launch.
        return ((int?[])[1, null])
            .Select(chunk => LogitsJudge.Judge(truth, new ModelRun(engine).Logits(tokens, chunk), [.. Enumerable.Range(0, tokens.Length)], bound).Fault)
            .FirstOrDefault(fault => fault is not null);
    }
}
