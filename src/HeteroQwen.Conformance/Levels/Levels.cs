using System.Collections.Immutable;
using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>Computes the levels from what became of the cases and of the models' lowerings. A backend claims nothing.</summary>
public sealed class Levels
{
    private const int MostNamed = 3;

    private static readonly string[] s_products = ["linear", "matmul"];
    /// <summary>Checks of models, as their ids name them, that compare bits where a device declares itself batch-invariant.</summary>
    private static readonly string[] s_batchChecks = ["batch", "chunks"];

    private static readonly string[] s_keptOps = ["attention", "rms_norm", "rope"];

    private readonly Survey _survey;
    private readonly ImmutableArray<(CaseInfo Case, CaseResult Result)> _results;

    private Levels(Survey survey, IReadOnlyCollection<CaseResult> results)
    {
        _survey = survey;
        Dictionary<string, CaseInfo> cases = survey.Cases.ToDictionary(c => c.Id, StringComparer.Ordinal);
        _results = [.. results.Select(r => (cases[r.Id], r))];
    }

    /// <param name="survey">The device, its cases and the lowerings.</param>
    /// <param name="results">What became of the cases. Unless it is all of them, there are no ladders.</param>
    public static LevelReport Compute(Survey survey, IReadOnlyCollection<CaseResult> results)
    {
        ArgumentNullException.ThrowIfNull(survey);
        ArgumentNullException.ThrowIfNull(results);
        Levels levels = new(survey, results);
        bool complete = results.Count == survey.Cases.Length;
        Precision[] judged = [.. survey.Lowerings.Select(l => l.Precision).Distinct().Order()];
        string[] hostOps = [.. survey.Lowerings.SelectMany(l => l.HostOps).Select(o => o.Op).Distinct()];
        return new LevelReport(
            complete ? [.. judged.Select(levels.LadderOf)] : [],
            hostOps.Length > 0 || results.Any(r => r.Status == CaseStatus.Fallback),
            complete && levels.BatchBarriers(null).IsEmpty,
            hostOps.Length);
    }

    private Ladder LadderOf(Precision precision)
    {
        ModelLowering dense = Lowering(precision, ModelFamily.Dense);
        ModelLowering moe = Lowering(precision, ModelFamily.Moe);
        return new Ladder(precision,
        [
            new("L0", "buffers, streams, lifetimes and claims keep to the contract", RuntimeBarriers()),
            new("L1", "every linear of the dense models runs on the device", LinearBarriers(dense)),
            new("L2", "dense models run with no work for the host", FamilyBarriers(dense)),
            new("L3", "models with experts run with no work for the host", FamilyBarriers(moe)),
            new("L4", "attention, rms_norm, rope and quantised linear are kernels of the device", KeptBarriers(dense, moe)),
            new("L5", "a row's bits depend on no other row", BatchBarriers(precision)),
        ]);
    }

    private ModelLowering Lowering(Precision precision, ModelFamily family) =>
        _survey.Lowerings.Single(l => l.Precision == precision && l.Family == family);

    private ImmutableArray<string> RuntimeBarriers() => Named(_results.Where(r => r.Case.Kind == CaseKind.Runtime
        && (IsBad(r.Result) || (IsSkip(r.Result) && (r.Case.Dense || r.Case.Moe)))));

    private ImmutableArray<string> LinearBarriers(ModelLowering dense) =>
    [
        .. OnHost(dense, o => s_products.Contains(o.Op)),
        .. Named(Mattering(dense).Where(r => s_products.Contains(r.Case.Op))),
    ];

    private ImmutableArray<string> FamilyBarriers(ModelLowering lowering) =>
        [.. OnHost(lowering, _ => true), .. Named(Mattering(lowering))];

    private static ImmutableArray<string> KeptBarriers(ModelLowering dense, ModelLowering moe)
    {
        IEnumerable<string> opened = dense.Opened.Union(moe.Opened).Intersect(s_keptOps).Select(o => $"{o} is decomposed");
        bool quantised = dense.QuantisedLinears.Intersect(moe.QuantisedLinears).Any();
        return [.. opened, .. quantised ? (string[])[] : ["no quantised linear is kept"]];
    }

    private ImmutableArray<string> BatchBarriers(Precision? precision)
    {
        if (_survey.Device.Determinism != Determinism.BatchInvariant)
        {
            return ["the device does not declare itself batch-invariant"];
        }

        (CaseInfo Case, CaseResult Result)[] cases =
        [
            .. _results.Where(r => r.Case.Kind == CaseKind.Model && r.Case.Id.Split('/') is [_, _, var check, ..] && s_batchChecks.Contains(check)
                && (precision is null || r.Case.Precision is null || r.Case.Precision == precision)),
        ];
        return cases.Length == 0
            ? ["no case of it was run"]
            : Named(cases.Where(c => c.Result.Status != CaseStatus.Pass));
    }

    /// <summary>
    /// Cases that did not pass and bear on the models of a lowering: every fault, since who fails in one shape is not to be trusted in
    /// another, and skips of what can occur in them. A composite that the device never takes is decomposed, and its skips bear on
    /// nothing.
    /// </summary>
    private IEnumerable<(CaseInfo Case, CaseResult Result)> Mattering(ModelLowering lowering)
    {
        foreach ((CaseInfo info, CaseResult result) in _results)
        {
            bool occurs = lowering.Family == ModelFamily.Dense ? info.Dense : info.Moe;
            bool runs = info.Op is { } op && lowering.DeviceOps.Contains(op);
            bool matters = info.Kind switch
            {
                _ when info.Precision is { } p && p != lowering.Precision => false,
                CaseKind.Op => IsBad(result) || (IsSkip(result) && occurs && runs),
                CaseKind.Model => (occurs || !(info.Dense || info.Moe)) && (IsBad(result) || (IsSkip(result) && occurs)),
                _ => false,
            };
            if (matters)
            {
                yield return (info, result);
            }
        }
    }

    private static bool IsBad(CaseResult result) =>
        result.Status is CaseStatus.Fail or CaseStatus.Crash or CaseStatus.Hang or CaseStatus.Mistrusted;

    private static bool IsSkip(CaseResult result) => result.Status is CaseStatus.Unsupported or CaseStatus.Fallback;

    private static IEnumerable<string> OnHost(ModelLowering lowering, Func<HostOp, bool> which) =>
        lowering.HostOps.Where(which).Select(o => $"{o.Op} runs on the host ({o.Reason})");

    private static ImmutableArray<string> Named(IEnumerable<(CaseInfo Case, CaseResult Result)> cases)
    {
        string[] all = [.. cases.Select(c => $"{c.Case.Id}: {c.Result.Status.ToString().ToLowerInvariant()}")];
        return all.Length <= MostNamed ? [.. all] : [.. all.Take(MostNamed), $"and {all.Length - MostNamed} more"];
    }
}
