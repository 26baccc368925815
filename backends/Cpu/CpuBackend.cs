using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu;

/// <summary>
/// The processor that the process runs on: one device, host memory, work done by the time that a call returns.
/// Options of <see cref="Open"/>: <c>threads</c>, an integer from 1 to 1024, the number of processors unless given; <c>tier</c>, the name
/// of one of the tiers that <see cref="Devices"/> lists, the best unless given.
/// </summary>
public sealed class CpuBackend : IBackend
{
    internal const int MostThreads = 1024;

    private const string CpuInfo = "/proc/cpuinfo";

    public string Name => "cpu";

    public Status Devices(out ImmutableArray<DeviceInfo> devices)
    {
        devices = [new DeviceInfo(0, ProcessorName(), true, null, MemoryBytes, Names(CpuTiers.Here), CpuTiers.Notes(CpuFeatures.Here))];
        return Status.Ok;
    }

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        device = null;
        if (index != 0)
        {
            return new(StatusCode.Unavailable, $"cpu:{index} does not exist; there is one device, cpu:0");
        }

        Status status = ReadOptions(options, out int threads, out CpuTier tier);
        if (!status.IsOk)
        {
            return status;
        }

        try
        {
            device = new CpuDevice(threads, tier);
            return Status.Ok;
        }
        catch (OutOfMemoryException)
        {
            return Status.OutOfMemory($"cpu: no memory for {threads} threads; ask for fewer with the option threads");
        }
    }

    internal static long MemoryBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    private static Status ReadOptions(Attributes options, out int threads, out CpuTier tier)
    {
        threads = Math.Clamp(Environment.ProcessorCount, 1, MostThreads);
        tier = CpuTiers.Here[0];
        foreach ((string name, AttributeValue value) in options)
        {
            Status status = name switch
            {
                "threads" => ReadThreads(value, ref threads),
                "tier" => ReadTier(value, ref tier),
                _ => Status.InvalidArgument($"cpu: there is no option {name}; those known are threads and tier"),
            };
            if (!status.IsOk)
            {
                return status;
            }
        }

        return Status.Ok;
    }

    private static Status ReadThreads(AttributeValue value, ref int threads)
    {
        if (value.Kind != AttributeKind.Int64 || value.Int64 < 1 || value.Int64 > MostThreads)
        {
            return Status.InvalidArgument($"cpu: option threads = {value} is not an integer from 1 to {MostThreads}");
        }

        threads = (int)value.Int64;
        return Status.Ok;
    }

    private static Status ReadTier(AttributeValue value, ref CpuTier tier)
    {
        int index = value.Kind == AttributeKind.String ? Names(CpuTiers.Here).IndexOf(value.Text) : -1;
        if (index < 0)
        {
            string known = string.Join(", ", Names(CpuTiers.Here));
            return Status.InvalidArgument($"cpu: option tier = {value} is no tier that runs here; name one of {known}");
        }

        tier = CpuTiers.Here[index];
        return Status.Ok;
    }

    private static ImmutableArray<string> Names(ImmutableArray<CpuTier> tiers) => [.. tiers.Select(tier => tier.Name())];

    private static string ProcessorName()
    {
        try
        {
            string? line = File.Exists(CpuInfo)
                ? File.ReadLines(CpuInfo).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
                : null;
            string name = line is null ? "" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            return name.Length > 0 ? name : RuntimeInformation.ProcessArchitecture.ToString();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return RuntimeInformation.ProcessArchitecture.ToString();
        }
    }
}
