using System.Runtime.InteropServices;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>What emitted code needs of the C library, with the numbers of Linux on x86-64.</summary>
internal static unsafe partial class LibC
{
    public const int ProtectNone = 0;
    public const int ProtectRead = 1;
    public const int ProtectWrite = 2;
    public const int ProtectExecute = 4;
    public const int MapPrivate = 2;
    public const int MapAnonymous = 0x20;
    public const int MapStack = 0x20000;

    public const long SysArchPrctl = 158;

    /// <summary>AT_MINSIGSTKSZ: bytes that a signal puts on its stack at the most.</summary>
    public const ulong AuxiliarySignalStack = 51;

    /// <summary>What mmap returns instead of null.</summary>
    public static void* MapFailed => (void*)-1;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial void* Map(void* address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    public static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial long SystemCall(long number, long first, long second);

    [LibraryImport("libc", EntryPoint = "getauxval")]
    public static partial ulong AuxiliaryValue(ulong type);

    [LibraryImport("libc", EntryPoint = "sigaltstack", SetLastError = true)]
    public static partial int AlternateStack(SignalStack* stack, SignalStack* old);

    /// <summary>stack_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SignalStack
    {
        public void* Start;
        public int Flags;
        public nuint Size;
    }
}
