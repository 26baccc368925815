using System.Collections.Immutable;
using HeteroQwen.Ir;
using Silk.NET.OpenCL;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>
/// Every device with an OpenCL 1.2 driver: GPUs, and processors through PoCL. Devices of all platforms are numbered through, in the
/// order of the loader. No options.
/// </summary>
public sealed class OpenClBackend : IBackend
{
    public string Name => "opencl";

    /// <summary>What is taken for a device's facts: tests pass smaller limits for the device's own.</summary>
    internal Func<DeviceFacts, DeviceFacts> Facts { get; init; } = facts => facts;

    /// <summary>Sizes of work: tests run those of another kind of device.</summary>
    internal Func<DeviceFacts, Tuning> Tune { get; init; } = Tuning.For;

    /// <summary>Compiled programs on disk.</summary>
    internal BinaryStore? Store { get; init; } = BinaryStore.Open();

    public Status Devices(out ImmutableArray<DeviceInfo> devices)
    {
        IReadOnlyList<DeviceFacts> found = Find(out _);
        devices = [.. found.Select((f, i) => new DeviceInfo(i, f.Name, f.Reason is null, f.Reason, f.MemoryBytes, [], Notes(f)))];
        return Status.Ok;
    }

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        device = null;
        ArgumentNullException.ThrowIfNull(options);
        if (options.Count > 0)
        {
            return Status.InvalidArgument($"opencl: there is no option {options.First().Key}; leave it out, the driver decides");
        }

        IReadOnlyList<DeviceFacts> found = Find(out CL? cl);
        if (index < 0 || index >= found.Count)
        {
            return new(StatusCode.Unavailable, $"opencl:{index} does not exist; there are {found.Count}, from opencl:0 on");
        }

        DeviceFacts facts = Facts(found[index]);
        return facts.Reason is null
            ? OpenClDevice.Create(cl!, facts, Tune(facts), Store, out device)
            : new(StatusCode.Unavailable, $"opencl:{index}: {facts.Reason}");
    }

    internal static IReadOnlyList<DeviceFacts> Find(out CL? cl)
    {
        cl = DeviceList.Load(out string reason);
        return cl is null ? [DeviceFacts.Absent("OpenCL", reason)] : DeviceList.Find(cl);
    }

    private static ImmutableArray<string> Notes(DeviceFacts facts) => facts.Reason is null ? [$"{facts.Platform}, driver {facts.Driver}"] : [];
}
