using System.Runtime.InteropServices;

namespace HeteroQwen.Models;

/// <summary>
/// Tells the system which pages of a mapped file are not wanted. Linux only; elsewhere nothing is said, and the system finds out by
/// itself when memory runs short.
/// </summary>
internal static partial class MappedPages
{
    private const int DontNeed = 4;

    /// <summary>
    /// Takes whole pages of a file mapped for reading out of this process's memory: the file has them still, and whoever touches one
    /// gets it back. Returns their bytes; 0 where nothing was done.
    /// </summary>
    /// <remarks>Of memory that is no unchanged mapping of a file this would destroy the contents.</remarks>
    public static long Release(nint address, long bytes) =>
        OperatingSystem.IsLinux() && Advise(address, (nuint)bytes, DontNeed) == 0 ? bytes : 0;

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(nint address, nuint length, int advice);
}
