using System.Collections.Immutable;
using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>Which cases there are.</summary>
/// <param name="Profile">How many.</param>
/// <param name="Precisions">Those judged, of which a device may offer fewer.</param>
/// <param name="Seed">Seed of all inputs.</param>
/// <param name="Model">A model of the user's own to be judged too, or null.</param>
public sealed record SuiteOptions(Profile Profile, ImmutableArray<Precision> Precisions, long Seed, string? Model)
{
    /// <summary>A case that <c>bisect</c> saved, to be run instead of all others; null for those.</summary>
    public string? CaseFile { get; init; }

    public static ImmutableArray<Precision> BothPrecisions => [Precision.Exact, Precision.Fast];
}
