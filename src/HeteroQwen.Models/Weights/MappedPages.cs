using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>
/// Tells the system which pages of a mapped file are wanted. Linux only; elsewhere nothing is said, and the system finds out by itself
/// when memory runs short.
/// </summary>
internal static partial class MappedPages
{
    private const int DontNeed = 4;

    /// <summary>
    /// Takes the pages that hold a range of a file mapped for reading out of this process's memory, pages at its ends that neighbours
    /// share included: the file has them still, and whoever touches one gets it back. Returns their bytes; 0 where nothing was done.
    /// </summary>
    /// <remarks>Of memory that is no unchanged mapping of a file this would destroy the contents.</remarks>
    public static long Release(ByteRange range)
    {
        if (range.Length <= 0 || !OperatingSystem.IsLinux())
        {
            return 0;
        }

        long page = Environment.SystemPageSize;
        long first = range.Address / page * page;
        long end = (range.Address + range.Length + page - 1) / page * page;
        return Advise((nint)first, (nuint)(end - first), DontNeed) == 0 ? end - first : 0;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(nint address, nuint length, int advice);
}
