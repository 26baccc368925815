using HeteroQwen.Backends;

namespace HeteroQwen.Conformance;

/// <summary>Cases of what a device is besides its ops: memory, streams, lifetimes and claims.</summary>
public static class RuntimeCases
{
    public static IEnumerable<ConformanceCase> All(Profile profile, Capabilities capabilities)
    {
        ArgumentNullException.ThrowIfNull(capabilities);
        return
        [
            .. BufferCases.All(profile, capabilities),
            .. CopyCases.All(),
            .. StreamCases.All(),
            .. LifetimeCases.All(profile),
            .. LaunchCases.All(),
            .. ClaimCases.All(),
            .. EmptyCases.All(),
        ];
    }
}
