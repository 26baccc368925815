using System.Collections.Immutable;
using HeteroQwen.Backends;

namespace HeteroQwen.Conformance.Tests;

/// <summary>Made-up surveys and results.</summary>
internal static class Surveys
{
    private static readonly ImmutableArray<string> s_dense = ["attention", "binary", "linear", "rms_norm", "rope", "swiglu"];

    public static ImmutableArray<CaseInfo> Cases { get; } =
    [
        new("runtime/copy", CaseKind.Runtime, null, null, false, false),
        Op("linear", "f32.q8_0", (true, true)),
        Op("rms_norm", "f32", (true, true)),
        Op("moe_ffn", "f32", (false, true)),
        Op("silu", "f32", (false, false)),
        new("model/dense/batch/fast", CaseKind.Model, null, Precision.Fast, true, true),
    ];

    public static DeviceFacts Device { get; } = new(
        "toy:0", "Toy", ["driver 1.2"], 1 << 30, SuiteOptions.BothPrecisions, ["f32", "i32"], Determinism.BatchInvariant,
        [new Numerics("linear", Precision.Fast, new Rounding(RoundingKind.Int8, 0, 0, 32, false), default, default, 24, false)],
        [new AssemblyFacts("Toy", "1.0", new string('a', 64))]);

    /// <summary>A device that keeps everything.</summary>
    public static Survey Whole { get; } = new(
        Device,
        [
            .. Enum.GetValues<Precision>().SelectMany(p => Enum.GetValues<ModelFamily>().Select(f => new ModelLowering(
                p, f, [], f == ModelFamily.Moe ? s_dense.Add("moe_ffn") : s_dense, ["attention_block"], ["q8_0"]))),
        ],
        Cases);

    public static Survey With(Func<ModelLowering, ModelLowering> change) => Whole with { Lowerings = [.. Whole.Lowerings.Select(change)] };

    public static ImmutableArray<CaseResult> Passed(params (string Id, CaseStatus Status)[] others) =>
    [
        .. Cases.Select(c => others.FirstOrDefault(o => o.Id == c.Id) is { Id: not null } other
            ? new CaseResult(c.Id, other.Status, "because")
            : new CaseResult(c.Id, CaseStatus.Pass, null)),
    ];

    private static CaseInfo Op(string op, string types, (bool Dense, bool Moe) occurs) =>
        new($"op/{op}/{types}/3x64/dense/plain/fast", CaseKind.Op, op, Precision.Fast, occurs.Dense, occurs.Moe);
}
