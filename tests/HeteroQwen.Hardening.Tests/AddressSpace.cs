using System.Globalization;

namespace HeteroQwen.Hardening.Tests;

/// <summary>
/// The most address space that the process ever had, which shows native memory and mappings even where nothing touched them. The
/// garbage collector reserves its own at the start, so that its heap does not move it. Linux only; elsewhere it is always 0.
/// </summary>
internal static class AddressSpace
{
    private const string Status = "/proc/self/status";

    public static long Peak()
    {
        if (!File.Exists(Status))
        {
            return 0;
        }

        string line = File.ReadLines(Status).First(l => l.StartsWith("VmPeak:", StringComparison.Ordinal));
        return 1024 * long.Parse(line["VmPeak:".Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }
}
