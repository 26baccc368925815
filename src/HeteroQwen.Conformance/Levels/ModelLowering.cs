using System.Collections.Immutable;
using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>The models that a level speaks of.</summary>
public enum ModelFamily
{
    Dense,
    Moe,
}

/// <summary>An op that the host had to take in a lowering.</summary>
/// <param name="Op">Its name.</param>
/// <param name="Reason">Why, in the device's words.</param>
/// <param name="FlopShare">The largest share of a model's multiplications and additions, 0 to 1.</param>
public sealed record HostOp(string Op, string Reason, double FlopShare);

/// <summary>What became of the models of one family, all shapes and weight types together, on a device in one precision.</summary>
/// <param name="Precision">The precision.</param>
/// <param name="Family">Dense, or with experts.</param>
/// <param name="HostOps">What the host took.</param>
/// <param name="DeviceOps">What the device took.</param>
/// <param name="Opened">Composites that were decomposed at least once.</param>
/// <param name="QuantisedLinears">Quantised weight types of which every <c>linear</c> was kept, its weight as it is.</param>
public sealed record ModelLowering(
    Precision Precision,
    ModelFamily Family,
    ImmutableArray<HostOp> HostOps,
    ImmutableArray<string> DeviceOps,
    ImmutableArray<string> Opened,
    ImmutableArray<string> QuantisedLinears);
