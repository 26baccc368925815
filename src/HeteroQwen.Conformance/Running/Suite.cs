using HeteroQwen.Backends;
using HeteroQwen.Conformance.Bisect;
using HeteroQwen.Conformance.Ops;

namespace HeteroQwen.Conformance;

/// <summary>All cases for a device.</summary>
public static class Suite
{
    public static IEnumerable<ConformanceCase> Cases(SuiteOptions options, CaseContext context)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(context);
        if (options.CaseFile is { } file)
        {
            return [FileCase.Load(file)];
        }

        Capabilities capabilities = context.Device.Capabilities;
        return
        [
            .. RuntimeCases.All(options.Profile, capabilities),
            .. options.Precisions.Intersect(capabilities.Precisions).SelectMany(p => In(p, options, context)),
        ];
    }

    private static IEnumerable<ConformanceCase> In(Precision precision, SuiteOptions options, CaseContext context) =>
    [
        .. OpCases.All(options.Profile, context.Device.Capabilities, precision),
        .. ModelCases.All(options.Profile, precision, isSlow: context.Backend.Name == "reference"),
        .. options.Model is { } model ? (ConformanceCase[])[ModelCases.ForModel(model, precision, ExactOf(context))] : [],
    ];

    /// <summary>What a user's model is compared with: the processor in exact, be it the device itself or the host behind it.</summary>
    private static HeteroQwen.Runtime.Device ExactOf(CaseContext context) => context.Backend.Name == "cpu" ? context.Device : context.Host;
}
