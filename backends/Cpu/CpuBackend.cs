using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu;

/// <summary>
/// The processor that the process runs on: one device, host memory, work done by the time that a call returns.
/// Option of <see cref="Open"/>: <c>threads</c>, an integer from 1 to 1024; the number of processors unless given.
/// </summary>
public sealed class CpuBackend : IBackend
{
    internal const int MostThreads = 1024;

    private const string CpuInfo = "/proc/cpuinfo";

    public string Name => "cpu";

    public Status Devices(out ImmutableArray<DeviceInfo> devices)
    {
        devices = [new DeviceInfo(0, ProcessorName(), true, null, MemoryBytes, [], [])];
        return Status.Ok;
    }

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        device = null;
        if (index != 0)
        {
            return new(StatusCode.Unavailable, $"cpu:{index} does not exist; there is one device, cpu:0");
        }

        Status status = ReadThreads(options, out int threads);
        if (!status.IsOk)
        {
            return status;
        }

        try
        {
            device = new CpuDevice(threads);
            return Status.Ok;
        }
        catch (OutOfMemoryException)
        {
            return Status.OutOfMemory($"cpu: no memory for {threads} threads; ask for fewer with the option threads");
        }
    }

    internal static long MemoryBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    private static Status ReadThreads(Attributes options, out int threads)
    {
        threads = Math.Clamp(Environment.ProcessorCount, 1, MostThreads);
        foreach ((string name, AttributeValue value) in options)
        {
            if (name == "tier")
            {
                return Status.InvalidArgument($"cpu: option tier = {value} is not known; there is one tier, so leave the option out");
            }

            if (name != "threads")
            {
                return Status.InvalidArgument($"cpu: there is no option {name}; the option known is threads");
            }

            if (value.Kind != AttributeKind.Int64 || value.Int64 < 1 || value.Int64 > MostThreads)
            {
                return Status.InvalidArgument($"cpu: option threads = {value} is not an integer from 1 to {MostThreads}");
            }

            threads = (int)value.Int64;
        }

        return Status.Ok;
    }

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
