using Silk.NET.OpenCL;
using ClDeviceInfo = Silk.NET.OpenCL.DeviceInfo;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>What a device says of itself; nothing here is assumed.</summary>
internal sealed record DeviceFacts
{
    /// <summary>The device, or 0 where the platform's devices could not be listed.</summary>
    public required nint Device { get; init; }

    public required string Name { get; init; }

    /// <summary>Why the device cannot be used; null if it can.</summary>
    public string? Reason { get; init; }

    public string Platform { get; init; } = "";

    public string Driver { get; init; } = "";

    /// <summary>Work-groups run as loops on cores, one after the other, rather than as lanes of a wide machine.</summary>
    public bool IsProcessor { get; init; }

    public long MemoryBytes { get; init; }

    public long LargestBuffer { get; init; }

    public long LocalBytes { get; init; }

    public int MostWorkItems { get; init; }

    /// <summary>Bytes to a multiple of which buffers begin.</summary>
    public int Alignment { get; init; }

    public bool HasFma { get; init; }

    /// <summary>Division and square root are rounded correctly when the compiler is asked for it.</summary>
    public bool DividesExactly { get; init; }

    public bool KeepsSubnormals { get; init; }

    public int Units { get; init; }

    /// <summary>A device that could not even be asked.</summary>
    public static DeviceFacts Absent(string name, string reason) => new() { Device = 0, Name = name, Reason = reason };

    public static DeviceFacts Read(CL cl, nint platform, nint device)
    {
        ClInfo info = new(cl);
        var fp = (DeviceFpConfig)info.Value<ulong>(device, ClDeviceInfo.SingleFPConfig);
        var type = (DeviceType)info.Value<ulong>(device, ClDeviceInfo.Type);
        string name = info.Text(device, ClDeviceInfo.Name);
        DeviceFacts facts = new()
        {
            Device = device,
            Name = name.Length > 0 ? name : "unnamed device",
            Platform = $"{info.Text(platform, PlatformInfo.Name)} {info.Text(platform, PlatformInfo.Version)}",
            Driver = $"{info.Text(device, ClDeviceInfo.Version)} {info.Text(device, ClDeviceInfo.DriverVersion)}",
            IsProcessor = (type & DeviceType.Cpu) != 0,
            MemoryBytes = Positive(info.Value<ulong>(device, ClDeviceInfo.GlobalMemSize)),
            LargestBuffer = Positive(info.Value<ulong>(device, ClDeviceInfo.MaxMemAllocSize)),
            LocalBytes = Positive(info.Value<ulong>(device, ClDeviceInfo.LocalMemSize)),
            MostWorkItems = (int)Math.Min(info.Value<nuint>(device, ClDeviceInfo.MaxWorkGroupSize), 1 << 20),
            Alignment = AlignmentOf(info.Value<uint>(device, ClDeviceInfo.MemBaseAddrAlign)),
            HasFma = (fp & DeviceFpConfig.Fma) != 0,
            DividesExactly = (fp & DeviceFpConfig.CorrectlyRoundedDivideSqrt) != 0,
            KeepsSubnormals = (fp & DeviceFpConfig.Denorm) != 0,
            Units = (int)Math.Clamp(info.Value<uint>(device, ClDeviceInfo.MaxComputeUnits), 1, 1 << 20),
        };
        return facts with { Reason = ReasonAgainst(info, device, facts) };
    }

    private static string? ReasonAgainst(ClInfo info, nint device, DeviceFacts facts)
    {
        string version = info.Text(device, ClDeviceInfo.Version);
        return info.Value<uint>(device, ClDeviceInfo.Available) == 0 ? "the driver says that the device is not available"
            : info.Value<uint>(device, ClDeviceInfo.CompilerAvailable) == 0 ? "the driver has no compiler for OpenCL C; install the full driver"
            : info.Value<uint>(device, ClDeviceInfo.EndianLittle) == 0 ? "the device is big-endian; only little-endian ones are supported"
            : version.StartsWith("OpenCL 1.0", StringComparison.Ordinal) || version.StartsWith("OpenCL 1.1", StringComparison.Ordinal)
                ? $"the device has {version}; OpenCL 1.2 is the least that is supported"
            : facts.LargestBuffer <= 0 || facts.MemoryBytes <= 0 || facts.LocalBytes <= 0 || facts.MostWorkItems < 1
                ? "the driver does not tell the device's limits"
            : null;
    }

    private static long Positive(ulong value) => (long)Math.Min(value, long.MaxValue);

    /// <summary>The device counts in bits. A cache line at the least, so that rows begin well; never beyond a page.</summary>
    private static int AlignmentOf(uint bits)
    {
        uint bytes = Math.Clamp(bits / 8, 64, 4096);
        return (int)System.Numerics.BitOperations.RoundUpToPowerOf2(bytes);
    }
}
