using HeteroQwen.Backends;
using HeteroQwen.Conformance.Ops.Cases;

namespace HeteroQwen.Conformance.Ops;

/// <summary>All op cases of a profile, for a device that has such capabilities.</summary>
public static class OpCases
{
    public static IEnumerable<OpCase> All(Profile profile, Capabilities capabilities, Precision precision)
    {
        ArgumentNullException.ThrowIfNull(capabilities);
        CaseList list = new(profile, capabilities, precision);
        ProductCases.Add(list);
        ElementCases.Add(list);
        MovementCases.Add(list);
        NormCases.Add(list);
        AttentionCases.Add(list);
        MoeCases.Add(list);
        BlockCases.Add(list);
        HarvestCases.Add(list);
        return list.Cases;
    }
}
