using HeteroQwen.Backends;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance;

/// <summary>The cases that run whole models.</summary>
public static class ModelCases
{
    private static readonly ElementType[] s_kvTypes = [ElementType.F16, ElementType.BF16, ElementType.Q8_0];

    /// <summary>The cases of a profile in one precision, in a fixed order.</summary>
    /// <param name="profile">Quick: each kind of check on the smallest models. Full: more models, cache types and all tasks.</param>
    /// <param name="precision">Precision of all of them.</param>
    /// <param name="isSlow">True for a device that is written for reading, not for speed: the long texts are then left to the full
    /// profile, which takes four tasks of each kind.</param>
    public static IReadOnlyList<ConformanceCase> All(Profile profile, Precision precision, bool isSlow = false)
    {
        bool full = profile == Profile.Full;
        List<ConformanceCase> cases =
        [
            .. OneModel(GoldenModel.DenseName, precision),
            .. OneModel(GoldenModel.MoeName, precision),
            Make(GoldenModel.OutlierName, "logits", precision, GoldenChecks.Logits),
            Make(GoldenModel.DenseName, "cache-full", precision, GoldenChecks.CacheFull),
            Make(GoldenModel.DenseName, "window", precision, WindowCheck.Check, occurs: false),
            Make(GoldenModel.LongName, "page-edge", precision, GoldenChecks.PageEdge),
            .. BundledModels.Names.Select(m => Tasks(m, precision, full ? (isSlow ? 4 : null) : 1)),
        ];
        if (full || !isSlow)
        {
            cases.Add(Make(GoldenModel.LongName, "logits", precision, GoldenChecks.Logits));
        }

        if (full)
        {
            cases.Add(Make(GoldenModel.YarnName, "logits", precision, GoldenChecks.Logits));
            cases.Add(Make(GoldenModel.OutlierName, "chunks", precision, GoldenChecks.Chunks));
        }

        if (precision == Precision.Fast)
        {
            cases.AddRange(CacheTypes(full));
        }

        return cases;
    }

    /// <summary>A model of the user's own against another device in exact.</summary>
    /// <param name="model">As <c>-m</c> takes it.</param>
    /// <param name="precision">The precision under test.</param>
    /// <param name="reference">What to compare with; <c>cpu</c> where there is one.</param>
    public static ConformanceCase ForModel(string model, Precision precision, Device reference) => new ModelCase(
        Path.GetFileName(Path.TrimEndingDirectorySeparator(model)), "against-exact", precision,
        rig => UserModelCheck.Check(rig, model, reference)) { OccursIn = (false, false) };

    private static IEnumerable<ConformanceCase> OneModel(string name, Precision precision) =>
    [
        Make(name, "logits", precision, GoldenChecks.Logits),
        Make(name, "chunks", precision, GoldenChecks.Chunks),
        Make(name, "batch", precision, GoldenChecks.Batch),
        Make(name, "fork-and-rollback", precision, GoldenChecks.ForkAndRollback),
        Make(name, "greedy", precision, GoldenChecks.Greedy),
    ];

    /// <summary>A cache in f32, so that its rounding hides nothing; in full each other type that the device holds.</summary>
    private static IEnumerable<ConformanceCase> CacheTypes(bool full) =>
        from kv in (ElementType[])[ElementType.F32, .. full ? s_kvTypes : []]
        from name in (string[])[GoldenModel.DenseName, GoldenModel.MoeName]
        select Make(name, $"logits-kv-{kv.Name()}", Precision.Fast, (rig, n) => GoldenChecks.Logits(rig, n, kv), occurs: kv == ElementType.F32);

    private static ModelCase Tasks(string model, Precision precision, int? perKind) =>
        new(model, perKind is null ? "tasks" : $"tasks-{perKind}-of-each", precision, rig => TasksCheck.Check(rig, model, perKind))
        {
            OccursIn = (model != "tiny-moe", true),
        };

    private static ModelCase Make(string name, string check, Precision precision, Func<ModelRig, string, ModelFinding> judge, bool occurs = true) =>
        new(name, check, precision, rig => judge(rig, name)) { OccursIn = (occurs && name != GoldenModel.MoeName, occurs) };

    private static ModelCase Make(string name, string check, Precision precision, Func<ModelRig, string, ElementType?, ModelFinding> judge) =>
        Make(name, check, precision, (rig, n) => judge(rig, n, null));
}
