using HeteroQwen.Backends;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance;

/// <summary>What a model's check found.</summary>
/// <param name="Fault">What is wrong; null if nothing is.</param>
internal sealed record ModelFinding(string? Fault)
{
    public static ModelFinding Right { get; } = new((string?)null);

    public CaseMetrics? Metrics { get; init; }

    public ErrorMap? Errors { get; init; }

    /// <summary>Why the check could not have failed; null if it could.</summary>
    public string? Mistrust { get; init; }

    public static ModelFinding Of(LogitsVerdict verdict, string what = "") => new(
        verdict.Fault is null ? null : what + verdict.Fault) { Metrics = verdict.Metrics, Errors = verdict.Errors };

    /// <summary>The first that is wrong, else the one that came nearest to its bound.</summary>
    public static ModelFinding Worst(IReadOnlyList<ModelFinding> findings) =>
        findings.FirstOrDefault(f => f.Fault is not null) ?? findings.MaxBy(f => f.Metrics?.Worst ?? 0)!;
}

/// <summary>A check of a whole model: id <c>model/NAME/CHECK/PRECISION</c>. What the host has to run makes a pass a fallback.</summary>
internal sealed class ModelCase(string model, string check, Precision precision, Func<ModelRig, ModelFinding> judge) : ConformanceCase
{
    public override string Id { get; } = $"model/{model}/{check}/{precision.ToString().ToLowerInvariant()}";

    public override CaseKind Kind => CaseKind.Model;

    public override Precision? Precision => precision;

    public override (bool Dense, bool Moe) Occurs => OccursIn;

    /// <summary>Set where Qwen3 models of the Hub come to this.</summary>
    public (bool Dense, bool Moe) OccursIn { get; init; } = (true, true);

    public override CaseResult Run(CaseContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!context.Device.Capabilities.Precisions.Contains(precision))
        {
            return new CaseResult(Id, CaseStatus.Unsupported, $"the device does not offer {precision.ToString().ToLowerInvariant()}");
        }

        try
        {
            using ModelRig rig = new(context, precision);
            return Result(judge(rig), rig);
        }
        catch (BackendException e)
        {
            return new CaseResult(Id, CaseStatus.Fail, e.Message);
        }
        catch (DeviceRefusesException e)
        {
            return new CaseResult(Id, CaseStatus.Unsupported, e.Message);
        }
    }

    private CaseResult Result(ModelFinding finding, ModelRig rig)
    {
        (CaseStatus status, string? reason) = finding switch
        {
            { Fault: { } fault } => (CaseStatus.Fail, fault),
            { Mistrust: { } mistrust } => (CaseStatus.Mistrusted, mistrust),
            _ when rig.OnHost.Count > 0 => (
                CaseStatus.Fallback, $"the host ran {string.Join(", ", rig.OnHost.Select(o => $"{o.Key} ({o.Value})"))}"),
            _ => (CaseStatus.Pass, (string?)null),
        };
        return new CaseResult(Id, status, reason) { Metrics = finding.Metrics, Errors = finding.Errors };
    }
}
