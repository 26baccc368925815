using System.Runtime.InteropServices;
using HeteroQwen.Backends.Cpu.Emission;

namespace HeteroQwen.Backends.Cpu.Tiers;

/// <summary>Asks the system, once for the process, for the tile registers of AMX.</summary>
internal static unsafe class TilePermission
{
    /// <summary>ARCH_REQ_XCOMP_PERM, and the state that it is asked for.</summary>
    private const long Request = 0x1023;
    private const int TileConfiguration = 17;
    private const int TileData = 18;

    /// <summary>
    /// The runtime's stacks for signals are 16 KB with a guard page in them. Where tiles are allowed the system refuses smaller ones than a
    /// signal can take, and with them every new thread.
    /// </summary>
    private const ulong LargestSignalFrame = 12 << 10;

    /// <summary>Why this process gets no tiles; null where it does.</summary>
    public static string? Refusal()
    {
        using ExecutableMemory? memory = ExecutableMemory.Create([MachineCode.Assemble(MachineCode.SavedStates)], out string? refusal);
        if (memory is null)
        {
            return refusal;
        }

        const ulong Needed = (1UL << TileConfiguration) | (1UL << TileData);
        if ((((delegate* unmanaged<ulong>)memory.Function(0))() & Needed) != Needed)
        {
            return "the system does not save the registers of AMX";
        }

        if (LibC.AuxiliaryValue(LibC.AuxiliarySignalStack) > LargestSignalFrame)
        {
            return "signals with AMX take more than the runtime's stacks for them";
        }

        return LibC.SystemCall(LibC.SysArchPrctl, Request, TileData) == 0
            ? TestRefusal()
            : $"the system refuses AMX ({Marshal.GetLastPInvokeErrorMessage()})";
    }

    /// <summary>A product on a thread of its own, so that the caller's stays as it is.</summary>
    private static string? TestRefusal()
    {
        string? refusal = null;
        Thread thread = new(() =>
        {
            try
            {
                TileThread.Prepare();
            }
            catch (Exception e) when (e is InvalidOperationException or OutOfMemoryException)
            {
                refusal = e.Message;
            }

            TileThread.Release();
        });
        thread.Start();
        thread.Join();
        return refusal;
    }
}
