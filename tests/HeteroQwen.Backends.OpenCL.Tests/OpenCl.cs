using HeteroQwen.Ir;

[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace HeteroQwen.Backends.OpenCL.Tests;

/// <summary>
/// The device that tests run on. Where there is none they are skipped with the reason, unless the environment variable
/// HETEROQWEN_REQUIRE_OPENCL is set, as the project's own CI does: then they fail with it.
/// </summary>
internal static class OpenCl
{
    public const string Required = "HETEROQWEN_REQUIRE_OPENCL";

    /// <summary>Sizes of work as on a GPU.</summary>
    public static Func<DeviceFacts, Tuning> AsWide { get; } = facts => Tuning.Wide(facts.MostWorkItems);

    /// <summary>Skips or fails the test where there is no device.</summary>
    public static void Demand()
    {
        DeviceFacts first = OpenClBackend.Find(out _)[0];
        if (first.Reason is null)
        {
            return;
        }

        Assert.SkipWhen(Environment.GetEnvironmentVariable(Required) is null, $"no OpenCL device: {first.Reason}");
        Assert.Fail($"{Required} is set and there is no OpenCL device: {first.Reason}");
    }

    public static OpenClDevice Open(OpenClBackend? backend = null)
    {
        Demand();
        OpRunner.Check("open", (backend ?? new OpenClBackend { Store = null }).Open(0, Attributes.Empty, out IDevice? device));
        return (OpenClDevice)device!;
    }
}
