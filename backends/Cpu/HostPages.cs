using System.Runtime.InteropServices;

namespace HeteroQwen.Backends.Cpu;

/// <summary>
/// What the system is told of the pages of this backend's own memory. Linux only; elsewhere nothing is said, and all that is lost is time
/// and memory.
/// </summary>
internal static unsafe partial class HostPages
{
    /// <summary>What large memory is aligned to, so that it can lie in large pages.</summary>
    public const int Huge = 2 << 20;

    private const int DontNeed = 4;
    private const int HugePage = 14;

    /// <summary>
    /// Asks for large pages, without which walking the page tables, not the memory, limits how fast a stream is read, and most of packing
    /// is page faults. Where the system does not give them, ordinary ones stay, as they do for what is left over at the end.
    /// </summary>
    public static void AskHuge(void* address, long bytes)
    {
        if (OperatingSystem.IsLinux() && bytes >= Huge)
        {
            _ = Advise(address, (nuint)(bytes / Huge * Huge), HugePage);
        }
    }

    /// <summary>
    /// Makes memory zeros by giving its whole pages back: each comes back as zeros when it is touched, and takes no memory before. False,
    /// and nothing is done, where the system does not do so.
    /// </summary>
    public static bool TryZero(byte* address, long bytes, out byte* first, out byte* end)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        first = (byte*)(((nuint)address + page - 1) / page * page);
        end = (byte*)((nuint)(address + bytes) / page * page);
        return OperatingSystem.IsLinux() && first < end && Advise(first, (nuint)(end - first), DontNeed) == 0;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* address, nuint bytes, int advice);
}
