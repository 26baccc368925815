using System.Runtime.InteropServices;

namespace HeteroQwen.Backends.Cpu.Roofs;

/// <summary>Large pages, without which walking the page tables, not the memory, limits how fast a stream is read.</summary>
internal static unsafe partial class HugePages
{
    private const int Advice = 14;

    /// <summary>Asks for them; where the system has none or does not give them, ordinary ones stay.</summary>
    public static void Ask(void* address, long bytes)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Advise(address, (nuint)bytes, Advice);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint bytes, int advice);
}
